// The nodes of the cluster. index.d.ts says what each function is for.
import { node as host } from "#host";
import { asked } from "./words.js";

export const nodeName = () => host.name();
export const nodeOf = (pid) => host.nameOf(pid);
export const isDistributed = () => host.isDistributed();
export const nodes = (of = "visible") => host.nodes(of);
export const connect = (node) => asked("connect", () => host.connect(node));
export const disconnect = (node) => host.disconnect(node);
export const watchNodes = (of = "visible") => host.watch(of);
export const unwatchNodes = (of = "visible") => host.unwatch(of);
