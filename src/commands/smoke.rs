//! `lakehouse smoke`: does a running stack do what it is for? It is used as its users do, and nothing of theirs is touched: what is
//! left behind is one small file among the sources, which no source takes, and predictions.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use lakehouse_service::seconds_of;
use lakehouse_settings::Settings;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::Context;
use crate::output;

/// A purchase, as the scoring API is sent one.
pub const PURCHASE: &str = r#"{"amount": 812.5, "card_brand": "Visa", "card_type": "Credit", "merchant_state": "ONLINE", "use_chip": "False", "credit_limit": 9100, "per_capita_income": 21000, "yearly_income": 43000, "total_debt": 61000, "credit_score": 702, "num_credit_cards": 3}"#;
/// A file that no source of any domain takes.
const FILE: &str = "lakehouse-smoke.txt";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two questions to a service that is not ready yet.
const PAUSE: Duration = Duration::from_millis(500);

/// `smoke`.
#[derive(Debug, Args)]
pub struct SmokeArgs {
    /// The datamart API [default: the address in the settings]
    #[arg(long, value_name = "URL")]
    pub api: Option<String>,
    /// The sources API [default: the address in the settings]
    #[arg(long, value_name = "URL")]
    pub sources: Option<String>,
    /// The scoring API [default: the address in the settings]
    #[arg(long, value_name = "URL")]
    pub ml: Option<String>,
    /// The stack is new: no run has made datamarts or a model yet, so scoring has only to be alive
    #[arg(long)]
    pub new: bool,
    /// Seconds to wait until the services are ready
    #[arg(long, value_name = "SECONDS", value_parser = seconds_of, default_value = "0")]
    pub wait: Duration,
    /// The certificate of the authority that the gateway's is from
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The file that holds an API key, where accounts are required; its owner is a service
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// How one check went.
#[derive(Debug, Serialize)]
struct Finding {
    service: &'static str,
    check: &'static str,
    is_good: bool,
    detail: String,
    millis: u128,
}

/// Uses the stack, and tells how each thing went. Fails if anything did not work.
pub async fn run(context: &Context<'_>, arguments: SmokeArgs) -> anyhow::Result<ExitCode> {
    let stack = Stack::new(context.settings, &arguments)?;
    let findings = stack.try_all(arguments.new, arguments.wait).await;
    let is_good = findings.iter().all(|finding| finding.is_good);
    if arguments.json {
        output::line(serde_json::to_string_pretty(&findings)?);
    } else {
        let row = |finding: &Finding| {
            let verdict = if finding.is_good { "good" } else { "BAD" };
            let columns = [finding.service, finding.check, verdict, &format!("{} ms", finding.millis), &finding.detail];
            columns.map(str::to_owned).to_vec()
        };
        output::table(&findings.iter().map(row).collect::<Vec<_>>(), &[3]);
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The services, and who asks them.
struct Stack {
    client: Client,
    key: Option<String>,
    api: String,
    sources: String,
    ml: String,
}

impl Stack {
    fn new(settings: &Settings, arguments: &SmokeArgs) -> anyhow::Result<Self> {
        let mut client = Client::builder().timeout(REQUEST_TIMEOUT);
        if let Some(file) = &arguments.ca {
            let pem = std::fs::read(file).with_context(|| format!("failed to read `{}`", file.display()))?;
            client = client.add_root_certificate(Certificate::from_pem(&pem).with_context(|| format!("`{}`", file.display()))?);
        }
        let read = |file: &PathBuf| std::fs::read_to_string(file).with_context(|| format!("failed to read `{}`", file.display()));
        let key = arguments.key_file.as_ref().map(read).transpose()?.map(|key| key.trim_end().to_owned());
        let address = |given: &Option<String>, own| {
            let own = || format!("http://{own}");
            given.as_ref().map_or_else(own, |url| url.trim_end_matches('/').to_owned())
        };
        Ok(Self {
            client: client.build()?,
            key,
            api: address(&arguments.api, settings.api.socket()),
            sources: address(&arguments.sources, settings.sources_api.socket()),
            ml: address(&arguments.ml, settings.api_ml.socket()),
        })
    }

    async fn try_all(&self, is_new: bool, wait: Duration) -> Vec<Finding> {
        let until = Instant::now() + wait;
        let scoring = if is_new { "live" } else { "ready" };
        let mut findings = Vec::new();
        for (service, url, health) in
            [("api", &self.api, "ready"), ("sources", &self.sources, "ready"), ("ml", &self.ml, scoring)]
        {
            findings.push(finding(service, health, self.health(url, health, until)).await);
            findings.push(finding(service, "version", self.version(url)).await);
        }
        findings.push(finding("api", "sql", self.sql()).await);
        findings.push(finding("api", "datamarts", self.datamarts(is_new)).await);
        findings.push(finding("sources", "file", self.file()).await);
        findings.push(finding("sources", "contract", self.contract()).await);
        if !is_new {
            findings.push(finding("ml", "prediction", self.prediction()).await);
        }
        findings
    }

    fn request(&self, method: Method, url: String) -> RequestBuilder {
        let request = self.client.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn get(&self, url: String) -> anyhow::Result<Value> {
        json_of(self.request(Method::GET, url).send().await?).await
    }

    async fn health(&self, url: &str, health: &str, until: Instant) -> anyhow::Result<String> {
        loop {
            match self.get(format!("{url}/health/{health}")).await {
                Err(_) if Instant::now() + PAUSE < until => tokio::time::sleep(PAUSE).await,
                answer => {
                    let asked = answer?["dependencies"].as_array().map_or(0, Vec::len);
                    return Ok(format!("{asked} dependencies work"));
                }
            }
        }
    }

    /// All services are of the version of this program.
    async fn version(&self, url: &str) -> anyhow::Result<String> {
        let description = self.get(format!("{url}/openapi.json")).await?;
        let version = description["info"]["version"].as_str().context("it does not say its version")?;
        ensure!(version == env!("CARGO_PKG_VERSION"), "it is {version}, this is {}", env!("CARGO_PKG_VERSION"));
        Ok(version.to_owned())
    }

    async fn sql(&self) -> anyhow::Result<String> {
        let query = json!({ "sql": "select 20 + 22 as answer" });
        let answer = json_of(self.request(Method::POST, format!("{}/sql", self.api)).json(&query).send().await?).await?;
        ensure!(answer["rows"] == json!([{ "answer": 42 }]), "20 + 22 came out as {}", answer["rows"]);
        Ok("20 + 22 = 42".to_owned())
    }

    async fn datamarts(&self, is_new: bool) -> anyhow::Result<String> {
        let list = self.get(format!("{}/datamarts", self.api)).await?;
        let marts = list.as_array().context("that is no list")?;
        let made = marts.iter().filter(|mart| mart["rows"].as_u64().is_some_and(|rows| rows > 0));
        let names: Vec<&Value> = made.map(|mart| &mart["table"]).collect();
        ensure!(is_new || !names.is_empty(), "none of {} has rows: has a run succeeded?", marts.len());
        if let Some(name) = names.first().and_then(|name| name.as_str()) {
            let rows = self.get(format!("{}/datamarts/fraud/{name}?limit=1", self.api)).await?;
            ensure!(rows.as_array().is_some_and(|rows| rows.len() == 1), "`{name}` gave {rows}");
        }
        Ok(format!("{} of {} have rows", names.len(), marts.len()))
    }

    /// A file comes back as it was put.
    async fn file(&self) -> anyhow::Result<String> {
        let url = format!("{}/files/{FILE}", self.sources);
        let text = format!("lakehouse smoke put this here at {}; nothing reads it.\n", jiff::Timestamp::now());
        json_of(self.request(Method::PUT, url.clone()).body(text.clone()).send().await?).await?;
        let back = good(self.request(Method::GET, url).send().await?).await?.text().await?;
        ensure!(back == text, "another file came back: {back}");
        Ok(format!("{} bytes came back as they went", text.len()))
    }

    /// A row without its fields is refused, so nothing is added.
    async fn contract(&self) -> anyhow::Result<String> {
        let push = self.request(Method::POST, format!("{}/ingest/fraud/transactions", self.sources));
        let answer = push.header("content-type", "application/x-ndjson").body("{}\n").send().await?;
        let status = answer.status();
        ensure!(status == StatusCode::UNPROCESSABLE_ENTITY, "an empty row was answered with {status}");
        Ok("an empty row is refused".to_owned())
    }

    /// A purchase is scored, by the version that serves.
    async fn prediction(&self) -> anyhow::Result<String> {
        let purchase = self.request(Method::POST, format!("{}/predict", self.ml)).header("content-type", "application/json");
        let answer = good(purchase.body(PURCHASE).send().await?).await?;
        let stamp = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (model, version) = (stamp("x-model"), stamp("x-model-version"));
        let probability = answer.json::<Value>().await?["fraud_probability"].as_f64().context("no probability came")?;
        ensure!((0.0..=1.0).contains(&probability), "{probability} is no probability");
        let info = self.get(format!("{}/model/info", self.ml)).await?;
        let number = version.parse::<u64>().with_context(|| format!("`{version}` is no version"))?;
        let is_it = |served: &Value| served["name"] == *model && served["version"] == number;
        let serves = info["models"].as_array().is_some_and(|models| models.iter().any(is_it));
        ensure!(serves, "it was scored by version {version} of `{model}`, which does not serve");
        Ok(format!("{probability:.4}, by version {version} of `{model}`"))
    }
}

async fn finding(service: &'static str, check: &'static str, outcome: impl Future<Output = anyhow::Result<String>>) -> Finding {
    let started = Instant::now();
    let outcome = outcome.await;
    let (is_good, detail) = match outcome {
        Ok(detail) => (true, detail),
        Err(error) => (false, format!("{error:#}")),
    };
    Finding { service, check, is_good, detail, millis: started.elapsed().as_millis() }
}

/// The answer, if it is a good one; else its problem's own words.
async fn good(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let problem = answer.json::<Value>().await.unwrap_or_default();
    anyhow::bail!("{status}: {}", problem["detail"].as_str().unwrap_or("it says no more"))
}

async fn json_of(answer: Response) -> anyhow::Result<Value> {
    Ok(good(answer).await?.json().await?)
}
