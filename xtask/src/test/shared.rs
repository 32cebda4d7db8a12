//! What several checks need, made once: by the first that asks.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::embedded::{self, Features};
use crate::model;
use crate::process;
use crate::project::Project;
use crate::services::{ModelServer, Services};
use crate::site::{self, Kind};
use crate::steps::Step;
use crate::toolchain::Toolchain;

pub struct Shared<'a> {
    pub project: &'a Project,
    pub long: bool,
    pub filter: &'a [String],
    pub step: Step,
    features: Option<Features>,
    model: Option<Option<PathBuf>>,
    services: Option<Services>,
    model_server: Option<ModelServer>,
    server: Option<bool>,
    site: Option<bool>,
}

impl<'a> Shared<'a> {
    pub fn new(project: &'a Project, long: bool, filter: &'a [String]) -> Self {
        Self {
            project,
            long,
            filter,
            step: Step::open(),
            features: None,
            model: None,
            services: None,
            model_server: None,
            server: None,
            site: None,
        }
    }

    /// The server's features, with the embedded model where it can be built.
    pub fn features(&mut self) -> &'static str {
        self.features.get_or_insert_with(|| embedded::prepare(&mut self.step)).for_cargo()
    }

    /// Whether the server builds. Its binary is then in [`Self::server_binary`].
    pub fn server(&mut self) -> bool {
        if let Some(built) = self.server {
            return built;
        }
        let features = self.features();
        let mut cargo = self.project.cargo();
        // Through the tests where there are some: cargo would compile much a second time for the binary alone, because
        // what only tests depend on changes the features of what both depend on.
        if self.project.root.join("tests/main.rs").is_file() {
            cargo.args(["test", "--no-run", "--test", "main", "--features", features]);
        } else {
            cargo.args(["build", "--bin", "sardonyx", "--features", features]);
        }
        let built = process::run(&mut cargo).is_ok();
        self.server = Some(built);
        built
    }

    pub fn server_binary(&self) -> PathBuf {
        self.project.target.join("debug/sardonyx")
    }

    /// Whether the site that ships could be made.
    pub fn release_site(&mut self) -> bool {
        if let Some(built) = self.site {
            return built;
        }
        let step = &mut self.step;
        let result = Toolchain::prepare(self.project, step)
            .and_then(|toolchain| site::compile(self.project, step, &toolchain, Kind::Release))
            .and_then(|wasm| site::assemble(self.project, step, &wasm, Kind::Release));
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        self.site = Some(result.is_ok());
        result.is_ok()
    }

    /// Tells the tests where everything is that they need.
    pub fn equip<'c>(&mut self, command: &'c mut Command) -> Result<&'c mut Command> {
        if self.services.is_none() {
            self.services = Some(Services::start(self.project, &mut self.step)?);
        }
        let services = self.services.as_ref().context("the services were just started")?;
        command.env("SARDONYX_TEST_POSTGRES", &services.postgres).env("SARDONYX_TEST_REDIS", &services.redis);
        // What a server is told of S3, by the names that all programs have for it.
        command.envs([
            ("AWS_ENDPOINT_URL", services.s3.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
        ]);
        command.envs([("AWS_ACCESS_KEY_ID", "of-the-tests"), ("AWS_SECRET_ACCESS_KEY", "of-the-tests")]);
        if self.model.is_none() {
            self.model = Some(model::cached(self.project, &mut self.step).map_or_else(
                |error| {
                    eprintln!("going on without the embedded model's file: {error:#}");
                    None
                },
                Some,
            ));
        }
        if let Some(Some(model)) = &self.model {
            command.env("SARDONYX_TEST_MODEL", model);
        }
        command.env("SARDONYX_TEST_SEARCH_MODEL", model::cached_search(self.project, &mut self.step)?);
        if self.long {
            command.env("SARDONYX_TEST_LONG", "1");
            if let (None, Some(Some(model))) = (&self.model_server, &self.model) {
                self.model_server = Some(ModelServer::start(self.project, &mut self.step, model)?);
            }
        }
        if let Some(server) = &self.model_server {
            command.env("SARDONYX_TEST_MODEL_SERVER", &server.url);
        }
        Ok(command)
    }
}
