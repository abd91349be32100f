//! Compiles the contract with protox, so that no protoc is needed anywhere, and keeps the descriptor set for reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=semanas");
    let files = [
        "semanas/v1/types.proto",
        "semanas/v1/error_reason.proto",
        "semanas/v1/work_history.proto",
        "semanas/v1/job.proto",
        "semanas/v1/work_history_service.proto",
        "semanas/v1/operations_service.proto",
    ];
    let descriptors = protox::Compiler::new(["."])?
        .include_imports(true)
        .include_source_info(true)
        .open_files(files)?
        .file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.binpb"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .btree_map(".")
        .codec_path("crate::codec::FittingCodec")
        .compile_fds(descriptors.clone())?;
    // The same for the client's package, which is built without this crate. Its server stubs are for fakes.
    let package = out.join("package");
    fs::create_dir_all(&package)?;
    tonic_prost_build::configure()
        .btree_map(".")
        .server_mod_attribute(".", "#[cfg(feature = \"testing\")]")
        .out_dir(package)
        .compile_fds(descriptors)?;
    Ok(())
}
