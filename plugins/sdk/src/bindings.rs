//! What `wit-bindgen` makes of the contract: imports once, and one module a stage. Plugins use what the SDK re-exports.
#![expect(missing_docs, reason = "generated from the contract, which has the documentation")]

/// Imports and shared records.
pub mod imports {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "windlass:plugin/imports",
        generate_all,
    });
}

macro_rules! stage {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: { "windlass:plugin/types@0.1.0": crate::bindings::imports::windlass::plugin::types },
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: "export",
            });
        }
    };
}

stage!(config_transform, "windlass:plugin/config-transform-only");
stage!(policy, "windlass:plugin/policy-only");
stage!(pre_create, "windlass:plugin/pre-create-only");
stage!(pre_start, "windlass:plugin/pre-start-only");
stage!(probe, "windlass:plugin/probe-only");
stage!(post_start, "windlass:plugin/post-start-only");
stage!(loader, "windlass:plugin/loader-only");
stage!(pre_stop, "windlass:plugin/pre-stop-only");
stage!(post_stop, "windlass:plugin/post-stop-only");
stage!(stage, "windlass:plugin/stage-only");
stage!(command, "windlass:plugin/command-only");
