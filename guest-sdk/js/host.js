// The host's functions as this SDK calls them: numbers where the contract has u64, null where
// it has nothing. QuickJS has them so; package.json says which engine gets which file.
export * as groups from "odeon:actor/groups@0.1.0";
export * as io from "odeon:actor/io@0.1.0";
export * as locks from "odeon:actor/locks@0.1.0";
export * as log from "odeon:actor/log@0.1.0";
export * as mailbox from "odeon:actor/mailbox@0.1.0";
export * as names from "odeon:actor/names@0.1.0";
export * as node from "odeon:actor/node@0.1.0";
export * as process from "odeon:actor/process@0.1.0";
export * as rpc from "odeon:actor/rpc@0.1.0";
export * as timers from "odeon:actor/timers@0.1.0";
export { begin } from "./quick.js";

/** A value of the host in these terms. */
export const plain = (value) => value;
