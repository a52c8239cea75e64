//! Types and traits generated from `wit/`. All churn of the generator stays in this module.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "windlass:plugin/everything",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "wasi:http": wasmtime_wasi_http::p2::bindings::http,
        "wasi": wasmtime_wasi::p2::bindings,
    },
});
