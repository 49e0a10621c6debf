//! The host's side of `wit/`, generated. Nothing here leaves `wasm/`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "actor",
    imports: {
        "odeon:actor/mailbox.receive": async | trappable,
        "odeon:actor/process.spawn": async | trappable,
        "odeon:actor/process.spawn-with": async | trappable,
        "odeon:actor/process.monitor": async | trappable,
        "odeon:actor/node.connect": async | trappable,
        "odeon:actor/node.disconnect": async | trappable,
        "odeon:actor/rpc.call": async | trappable,
        "odeon:actor/names.register": async | trappable,
        "odeon:actor/names.re-register": async | trappable,
        "odeon:actor/names.unregister": async | trappable,
        "odeon:actor/locks.set-lock": async | trappable,
        "odeon:actor/locks.delete-lock": async | trappable,
        "odeon:actor/process.is-alive": async | trappable,
        "odeon:actor/process.get-info": async | trappable,
        "odeon:actor/timers.sleep": async | trappable,
        "odeon:actor/io.put-chars": async | trappable,
        "odeon:actor/io.get-line": async | trappable,
        "odeon:actor/io.ask": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    require_store_data_send: true,
});
