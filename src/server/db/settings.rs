//! What holds for everybody: the site's settings, and with them all that its servers need to know of providers.

use futures::FutureExt;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{
    AdminDb, Db,
    audit::{AuditEntry, add_entry},
    entity::site,
    failed,
    notifications::add_notice,
    providers::{StoredProvider, all_hidden_models, all_providers},
    scope::Scope,
    site::SITE_ID,
};
use crate::{
    domain::{admin::AuditAction, model::ModelName, site::SiteSettings},
    error::Result,
};

/// All that the servers of a site share.
pub struct StoredSite {
    pub settings: SiteSettings,
    pub providers: Vec<StoredProvider>,
    pub hidden: Vec<ModelName>,
}

impl Db {
    /// What the servers go by, for the server itself: nobody asks for it, and nothing of it is anybody's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_site(&self) -> Result<StoredSite> {
        let read = self.read_as(Scope::Admin).await?;
        let settings = find_settings(&read).await.map_err(failed("load site"))?;
        let providers = all_providers(&read).await.map_err(failed("load site"))?;
        let hidden = all_hidden_models(&read).await.map_err(failed("load site"))?;
        Ok(StoredSite { settings, providers, hidden })
    }
}

impl AdminDb {
    /// The site's settings as they are kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_site_settings(&self) -> Result<SiteSettings> {
        find_settings(&self.query().await?).await.map_err(failed("find site settings"))
    }

    /// Replaces the site's settings; without a change, nothing is written, not even to the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_site_settings(&self, new: SiteSettings, address: String) -> Result<()> {
        let actor = self.user().email.clone();
        self.write("save site settings", move |transaction| {
            async move {
                let before = find_settings(transaction).await?;
                let subject = new.differences(&before);
                if subject.is_empty() {
                    return Ok(());
                }
                if new.notice != before.notice {
                    add_notice(transaction, &new.notice).await?;
                }
                let days = i32::try_from(new.invitation_days).unwrap_or_default();
                site::Entity::update_many()
                    .col_expr(site::Column::Name, Expr::value(new.name))
                    .col_expr(site::Column::DefaultModel, Expr::value(new.default_model.map(|it| it.to_string())))
                    .col_expr(site::Column::Notice, Expr::value(new.notice))
                    .col_expr(site::Column::MembersMakeTokens, Expr::value(new.members_make_tokens))
                    .col_expr(site::Column::InvitationDays, Expr::value(days))
                    .filter(site::Column::Id.eq(SITE_ID))
                    .exec(transaction)
                    .await?;
                add_entry(transaction, AuditEntry { actor, action: AuditAction::SiteChanged, subject, address }).await
            }
            .boxed()
        })
        .await
    }
}

async fn find_settings(connection: &impl ConnectionTrait) -> std::result::Result<SiteSettings, sea_orm::DbErr> {
    let row = site::Entity::find_by_id(SITE_ID).one(connection).await?;
    Ok(row.map_or_else(SiteSettings::default, |row| SiteSettings {
        name: row.name,
        default_model: row.default_model.and_then(|name| ModelName::parse(&name).ok()),
        notice: row.notice,
        members_make_tokens: row.members_make_tokens,
        invitation_days: i64::from(row.invitation_days),
    }))
}
