//! `cargo xtask bench`: the load benchmarks, on what ships.

use anyhow::{Result, ensure};

use crate::build;
use crate::embedded::Features;
use crate::model;
use crate::process;
use crate::project::Project;
use crate::server::{self, Profile};
use crate::site::Kind;
use crate::steps::Steps;

pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    ensure!(project.root.join("benches").is_dir(), "benches/ is missing: there is nothing to measure");
    let mut steps = Steps::new(build::STEPS);
    build::browser_half(project, &mut steps, Kind::Release)?;
    // Without the embedded model that writes: its speed would hide the server's.
    let features = Features::WithoutModel;
    let binary = steps.run("building the server", |step| server::build(project, step, features, Profile::Measured))?;
    steps.run("measuring", |step| {
        let search_model = model::cached_search(project, step)?;
        step.make_room();
        process::run(
            project
                .cargo()
                .args(["bench", "--features", features.for_cargo(), "--bench", "load", "--"])
                .args(arguments)
                .env("SARDONYX_BIN", &binary)
                .env("SARDONYX_BENCH_SEARCH_MODEL", search_model),
        )
    })
}
