//! Sends spans to a collector, as OTLP over HTTP.
//!
//! The exporter works on a thread of its own; its requests run where the server's do.

use crate::error::{Error, Result};
use bytes::Bytes;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Metadata;

/// What the spans that are sent are marked with.
pub(super) const SPANS: &str = "sessile::call";
/// How long sending a batch may take, and the last one at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a span or an event is for a collector of traces.
pub(crate) fn is_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == SPANS
}

/// What collects spans and sends them.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send spans to the collector with this base URL. Further headers come from the standard variable
    /// `OTEL_EXPORTER_OTLP_HEADERS`, and how much is sent from `OTEL_TRACES_SAMPLER`.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL can't be used.
    pub(crate) fn to(endpoint: &str) -> Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| Error::Config(format!("otlp.endpoint: {error}"));
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        let client = Client { client: client.build().map_err(|error| wrong(&error))?, runtime: Handle::current() };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| wrong(&error))?;
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => Resource::builder(),
            None => Resource::builder().with_service_name("sessile"),
        };
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build()))
    }

    /// What makes spans.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("sessile")
    }

    /// Sends what there is, and stops.
    pub(crate) async fn finish(self) {
        // It waits for its thread, which waits for requests that run here.
        let finished = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if let Ok(Err(error)) = finished {
            tracing::warn!(%error, "could not send the last traces");
        }
    }
}

#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let response = client.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await?;
            let mut response = http::Response::new(body);
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            Ok::<_, reqwest::Error>(response)
        });
        Ok(sent.await??)
    }
}
