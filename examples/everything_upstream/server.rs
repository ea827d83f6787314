//! What is served: each request goes to the file that knows its family.

use crate::subscribers::Subscribers;
use crate::{Era, asking, prompts, reporting, resources, tasks, tools};
use rmcp::model::*;
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::task_manager::TaskManager;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Context = RequestContext<RoleServer>;
type Answer<T> = Result<T, ErrorData>;

/// What all sessions share.
pub(crate) struct Shared {
    era: Era,
    sessions: AtomicU64,
    tasks: TaskManager,
    pub(crate) subscribers: Subscribers,
    /// What covers the states that clients bring back.
    states: RequestStateCodec,
}

impl Shared {
    pub(crate) fn new(era: Era) -> Self {
        // A state has to outlive no process, and there is nothing here to steal.
        let states = RequestStateCodec::new_unchecked("the key of a server that is only for tests");
        Self {
            era,
            sessions: AtomicU64::new(0),
            tasks: TaskManager::new(),
            subscribers: Subscribers::default(),
            states,
        }
    }
}

/// One session, or one request where there are no sessions.
#[derive(Clone)]
pub(crate) struct Everything {
    shared: Arc<Shared>,
    session: u64,
}

impl Everything {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let session = shared.sessions.fetch_add(1, Ordering::Relaxed);
        Self { shared, session }
    }
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("everything-upstream", env!("CARGO_PKG_VERSION")))
            .with_instructions("Each tool, resource and prompt is here for one scenario of the conformance suite.")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(match self.shared.era {
            Era::Legacy => ProtocolVersion::known_up_to(&ProtocolVersion::V_2025_11_25),
            Era::Modern => &[ProtocolVersion::V_2026_07_28],
            Era::Both => ProtocolVersion::KNOWN_VERSIONS,
        })
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: Context) -> Answer<ListToolsResult> {
        Ok(ListToolsResult::with_all_items(tools::all()).with_ttl_ms(60_000).with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Answer<CallToolResponse> {
        if let Some(script) = asking::script(&request) {
            let asked = asking::Asked::of(request.input_responses, request.request_state);
            return asking::play(&self.shared.states, script, asked, &context).await;
        }
        if tasks::has(&request.name) {
            return tasks::call(&self.shared.tasks, request, &context).await;
        }
        if let Some(result) = reporting::call(&request.name, &self.shared, &context).await {
            return result.map(Into::into);
        }
        tools::call(&request, &context).map(Into::into)
    }

    async fn get_task(&self, request: GetTaskParams, _: Context) -> Answer<GetTaskResult> {
        self.shared.tasks.get_task(&request.task_id).map(GetTaskResult::new)
    }

    async fn update_task(&self, request: UpdateTaskParams, _: Context) -> Answer<()> {
        self.shared.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: Context) -> Answer<()> {
        self.shared.tasks.cancel_task(&request.task_id)
    }

    async fn list_resources(&self, _: Option<PaginatedRequestParams>, _: Context) -> Answer<ListResourcesResult> {
        Ok(resources::all())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Answer<ListResourceTemplatesResult> {
        Ok(resources::templates())
    }

    async fn read_resource(&self, request: ReadResourceRequestParams, _: Context) -> Answer<ReadResourceResponse> {
        resources::read(&request.uri).map(Into::into)
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Context) -> Answer<()> {
        self.shared.subscribers.subscribe(self.session, request.uri, context.peer);
        Ok(())
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, _: Context) -> Answer<()> {
        self.shared.subscribers.unsubscribe(self.session, request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Answer<()> {
        let _listening = self.shared.subscribers.listen(context.sink().clone());
        context.cancelled().await;
        Ok(())
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: Context) -> Answer<ListPromptsResult> {
        Ok(prompts::all())
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, context: Context) -> Answer<GetPromptResponse> {
        prompts::get(&self.shared.states, request, &context).await
    }

    async fn complete(&self, request: CompleteRequestParams, _: Context) -> Answer<CompleteResult> {
        prompts::complete(&request)
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Answer<()> {
        // Everything here is said at a level that nobody can ask to be spared.
        Ok(())
    }
}
