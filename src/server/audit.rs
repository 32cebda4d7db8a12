//! The audit log as a file for a spreadsheet.

use axum::{
    Extension,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{
    auth::{client::Client, guard::Caller},
    db::{AuditEntry, AuditFilter},
    refusal,
    state::AppState,
};
use crate::{
    domain::{
        admin::{AuditAction, AuditRow, Permission},
        limits,
    },
    error::{Error, Result},
};

/// The route `/admin/audit.csv`: everything, newest first, up to a limit.
pub async fn export(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
) -> Response {
    match write(&state, &caller, &client).await {
        Ok(csv) => {
            let mut response = csv.into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
            headers.insert(
                header::CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment; filename=\"sardonyx-audit.csv\""),
            );
            response
        }
        Err(error) => refusal::json(error),
    }
}

async fn write(state: &AppState, caller: &Caller, client: &Client) -> Result<Vec<u8>> {
    let known = caller.known()?;
    let admin = known.db.admin(Permission::ReadAudit)?;
    let (actor, address) = (known.db.user().email.clone(), client.address.to_string());
    state.db.audit(AuditEntry { actor, action: AuditAction::AuditExported, subject: String::new(), address }).await?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["at_ms", "actor", "action", "subject", "address"]).map_err(|_| Error::Internal)?;
    let (mut before, mut written) = (None, 0);
    loop {
        let page = admin.list_audit(&AuditFilter::default(), before.as_deref()).await?;
        for row in &page.entries {
            csv.write_record(cells(row)).map_err(|_| Error::Internal)?;
        }
        written += page.entries.len();
        before = page.next;
        if before.is_none() || written >= limits::AUDIT_ENTRIES_EXPORTED_MAX {
            break;
        }
    }
    csv.into_inner().map_err(|_| Error::Internal)
}

fn cells(row: &AuditRow) -> [String; 5] {
    [row.at_ms.to_string(), inert(&row.actor), inert(&row.action), inert(&row.subject), inert(&row.address)]
}

/// A cell that a spreadsheet does not take for a formula (OWASP, CSV Injection).
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f15_no_cell_is_a_formula() {
        assert_eq!(inert("=1+1@example.org"), "'=1+1@example.org");
        assert_eq!(inert("alice@example.org"), "alice@example.org");
    }
}
