//! `cargo xtask dist`: the one binary to ship.

use std::fs;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::build;
use crate::embedded::Features;
use crate::project::Project;
use crate::server::{self, Profile};
use crate::site::Kind;
use crate::steps::Steps;

pub fn run(project: &Project) -> Result<()> {
    let mut steps = Steps::new(build::STEPS + 1);
    let features = build::tools(&mut steps)?;
    build::browser_half(project, &mut steps, Kind::Release)?;
    let built = steps.run("building the server", |step| server::build(project, step, features, Profile::Release))?;
    // In the repository, like the site: this is what the user came for.
    let folder = project.root.join("target/dist");
    let binary = folder.join("sardonyx");
    let (bytes, sum) = steps.run("copying and summing up", |_| {
        fs::create_dir_all(&folder)?;
        // Removed first: the old one may be running.
        if binary.exists() {
            fs::remove_file(&binary)?;
        }
        fs::copy(&built, &binary)?;
        let content = fs::read(&binary)?;
        let sum = format!("{:x}", Sha256::digest(&content));
        fs::write(folder.join("sardonyx.sha256"), format!("{sum}  sardonyx\n"))?;
        Ok((content.len(), sum))
    })?;
    println!("\ntarget/dist/sardonyx   {:.1} MiB   SHA-256 {sum}", bytes as f64 / f64::from(1 << 20));
    if features == Features::WithoutModel {
        println!("It holds NO embedded model's engine (see above): connect a model server.");
    }
    println!("Copy it to the server and start it there; `sardonyx --help` lists its settings.");
    println!("Check the copy with `sha256sum --check sardonyx.sha256`.");
    Ok(())
}
