//! The OpenAPI description, from the types and handlers themselves.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::rest::{auth, conversations, files, messages, users};

#[derive(OpenApi)]
#[openapi(
    info(title = "Elastic Chat", description = "Client protocol v1. The meaning of each call and frame: docs/reference/protocol.md"),
    paths(
        auth::register, auth::login, auth::refresh, auth::logout, auth::sessions, auth::revoke_session, auth::change_password,
        users::me, users::patch_me, users::find, users::fetch, users::blocks, users::block, users::unblock,
        conversations::list, conversations::create, conversations::fetch, conversations::change, conversations::remove,
        conversations::leave, conversations::members, conversations::add_member, conversations::change_role,
        conversations::remove_member, conversations::preferences, conversations::cursors,
        messages::page, messages::send, messages::fetch, messages::receipts,
        files::create, files::progress, files::complete, files::fetch,
    ),
    components(schemas(chat_wire::ClientFrame, chat_wire::ServerFrame, chat_wire::Problem)),
    security(("access_token" = [])),
    modifiers(&Security, &OperationIds),
)]
struct Api;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("access_token", SecurityScheme::Http(scheme));
    }
}

/// Handlers are named within their resource; operations need names of their own.
struct OperationIds;

impl utoipa::Modify for OperationIds {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for item in api.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            for operation in operations.into_iter().flatten() {
                if let (Some(id), Some(tag)) = (&operation.operation_id, operation.tags.iter().flatten().next()) {
                    operation.operation_id = Some(format!("{tag}_{id}"));
                }
            }
        }
    }
}

/// Pretty JSON with a newline at the end, as it is committed.
///
/// # Panics
/// Never: the description has string keys only.
pub fn json() -> String {
    let mut text = Api::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
