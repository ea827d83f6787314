//! The same people do the same things over every way in, and get the same answers.
//!
//! Each check is the whole of a module's, unchanged; a way is a row of the table at the end.

use crate::protocol::{prompts, resources};
use crate::support::Credential::{AccessToken, ApiKey, External};
use crate::support::Transport::{HttpLegacy, HttpModern, WebSocket};
use crate::support::Way;
use crate::support::Way::{Bearer, SignIn};
use crate::{denials, isolation, records};

/// Scripts of chance that are played over each way, and more of them over the one that most people take.
fn cases(way: Way) -> u32 {
    if way == SignIn { 16 } else { 4 }
}

macro_rules! ways {
    ($($name:ident: $way:expr;)*) => {$(
        mod $name {
            use super::*;

            const WAY: Way = $way;

            #[test]
            fn each_tenant_is_alone() {
                isolation::each_tenant_is_alone(WAY, cases(WAY));
            }

            ways!(@check records::of_many_updates_of_one_version_one_is_made_and_the_rest_learn_of_it);
            ways!(@check records::of_many_who_delete_a_record_one_does);
            ways!(@check records::nothing_ever_refers_to_what_is_deleted);
            ways!(@check records::what_is_acknowledged_is_there_for_everybody_at_once);
            ways!(@check resources::a_resource_is_the_record_as_its_tool_reads_it);
            ways!(@check resources::unknown_malformed_and_foreign_resources_all_look_the_same);
            ways!(@check resources::the_list_has_the_tenants_records_page_by_page);
            ways!(@check prompts::every_prompt_that_is_listed_can_be_had);
            ways!(@check prompts::what_is_wrong_with_a_request_for_a_prompt_is_said);
            ways!(@check prompts::completion_offers_what_fits_and_exists);
            ways!(@check prompts::another_tenants_people_are_nowhere_to_be_found);
            ways!(@check denials::a_stranger_is_told_to_sign_in);
            ways!(@check denials::the_least_role_may_and_any_lower_one_may_not);
            ways!(@check denials::another_tenants_ids_are_like_ids_of_nothing);
        }
    )*};
    (@check $module:ident::$check:ident) => {
        #[tokio::test]
        async fn $check() {
            $module::$check(WAY).await;
        }
    };
}

ways! {
    sign_in_on_a_websocket: SignIn;
    access_token_on_a_websocket: Bearer(WebSocket, AccessToken);
    access_token_over_http_legacy: Bearer(HttpLegacy, AccessToken);
    access_token_over_http_modern: Bearer(HttpModern, AccessToken);
    api_key_on_a_websocket: Bearer(WebSocket, ApiKey);
    api_key_over_http_legacy: Bearer(HttpLegacy, ApiKey);
    api_key_over_http_modern: Bearer(HttpModern, ApiKey);
    other_issuers_token_on_a_websocket: Bearer(WebSocket, External);
    other_issuers_token_over_http_legacy: Bearer(HttpLegacy, External);
    other_issuers_token_over_http_modern: Bearer(HttpModern, External);
}
