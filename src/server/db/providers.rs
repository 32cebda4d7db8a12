//! Providers of models that were connected on the pages of administration, and the models that people are not offered.
//!
//! Who asks for a reply never reads these tables: the server reads them as a whole (`site`) and keeps what it needs.

use futures::FutureExt;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};

use super::{
    AdminDb,
    audit::{AuditEntry, add_entry},
    dialects::forget_provider,
    entity::{hidden_model, provider, site},
    failed,
    site::SITE_ID,
    write::Written,
};
use crate::{
    domain::{
        admin::AuditAction,
        ids::ProviderId,
        limits,
        model::ModelName,
        provider::{ProviderKey, ProviderName},
    },
    error::{Error, InvalidInput, Result},
};

/// A provider as it is kept. Not printable, for it holds the sealed key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredProvider {
    pub id: ProviderId,
    pub name: String,
    pub base_url: String,
    pub is_enabled: bool,
    pub key: Option<SealedKey>,
}

/// A key that only the operator's secret opens.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    pub sealed: Vec<u8>,
    /// Its last characters, if it was long enough for that.
    pub hint: String,
}

impl SealedKey {
    /// What is kept of a key.
    pub fn new(sealed: Vec<u8>, key: &ProviderKey) -> Self {
        Self { sealed, hint: key.hint().to_owned() }
    }
}

/// What is done to a provider.
#[derive(Clone)]
pub enum ProviderChange {
    /// Its address and its key are these from now on. The key that is there stays only if nobody replaced it meanwhile.
    Replace {
        base_url: String,
        key: Option<SealedKey>,
        before: Option<SealedKey>,
    },
    Enable,
    Disable,
    Remove,
}

impl ProviderChange {
    fn action(&self) -> AuditAction {
        match self {
            Self::Replace { .. } => AuditAction::ProviderChanged,
            Self::Enable => AuditAction::ProviderEnabled,
            Self::Disable => AuditAction::ProviderDisabled,
            Self::Remove => AuditAction::ProviderRemoved,
        }
    }
}

impl AdminDb {
    /// The providers, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_providers(&self) -> Result<Vec<StoredProvider>> {
        all_providers(&self.query().await?).await.map_err(failed("list providers"))
    }

    /// A provider.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find_provider(&self, id: ProviderId) -> Result<StoredProvider> {
        let row =
            provider::Entity::find_by_id(id.0).one(&self.query().await?).await.map_err(failed("find provider"))?;
        row.map(stored).ok_or(Error::NotFound)
    }

    /// Connects a provider.
    ///
    /// # Errors
    /// [`InvalidInput::ProviderName`] when another one has its name; [`Error::TooMany`].
    pub async fn add_provider(&self, name: &ProviderName, new: StoredProvider, address: String) -> Result<()> {
        let (actor, subject) = (self.user().email.clone(), format!("{} {}", name.as_str(), new.base_url));
        self.write("add provider", move |transaction| {
            async move {
                if provider::Entity::find().count(transaction).await? >= limits::PROVIDERS_MAX {
                    return Err(Error::TooMany.into());
                }
                let of_name = provider::Entity::find().filter(provider::Column::Name.eq(&new.name));
                if of_name.one(transaction).await?.is_some() {
                    return Err(Error::from(InvalidInput::ProviderName).into());
                }
                let (sealed_key, key_hint) = columns(new.key);
                let row = provider::ActiveModel {
                    id: Set(new.id.0),
                    name: Set(new.name),
                    base_url: Set(new.base_url),
                    is_enabled: Set(new.is_enabled),
                    sealed_key: Set(sealed_key),
                    key_hint: Set(key_hint),
                };
                provider::Entity::insert(row).exec_without_returning(transaction).await?;
                add_entry(transaction, AuditEntry { actor, action: AuditAction::ProviderAdded, subject, address }).await
            }
            .boxed()
        })
        .await
    }

    /// Changes a provider.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when somebody else changed its key at the same moment.
    pub async fn change_provider(&self, id: ProviderId, change: ProviderChange, address: String) -> Result<()> {
        let actor = self.user().email.clone();
        self.write("change provider", move |transaction| {
            async move {
                let row = provider::Entity::find_by_id(id.0).one(transaction).await?.ok_or(Error::NotFound)?;
                let (action, mut subject) = (change.action(), row.name.clone());
                if let ProviderChange::Replace { base_url, before, .. } = &change {
                    if columns(before.clone()).0 != row.sealed_key {
                        return Err(Error::Conflict.into());
                    }
                    subject = format!("{subject} {base_url}");
                }
                apply(transaction, &row, change).await?;
                add_entry(transaction, AuditEntry { actor, action, subject, address }).await
            }
            .boxed()
        })
        .await
    }

    /// Says whether people are offered a model.
    ///
    /// # Errors
    /// [`Error::TooMany`] when too many are not.
    pub async fn offer_model(&self, model: ModelName, is_offered: bool, address: String) -> Result<()> {
        let actor = self.user().email.clone();
        self.write("offer model", move |transaction| {
            async move {
                let subject = model.as_str().to_owned();
                let action = if is_offered {
                    hidden_model::Entity::delete_by_id(&subject).exec(transaction).await?;
                    AuditAction::ModelOffered
                } else {
                    if hidden_model::Entity::find().count(transaction).await? >= limits::HIDDEN_MODELS_MAX {
                        return Err(Error::TooMany.into());
                    }
                    hidden_model::Entity::insert(hidden_model::ActiveModel { name: Set(subject.clone()) })
                        .on_conflict(OnConflict::column(hidden_model::Column::Name).do_nothing().to_owned())
                        .exec_without_returning(transaction)
                        .await?;
                    AuditAction::ModelHidden
                };
                add_entry(transaction, AuditEntry { actor, action, subject, address }).await
            }
            .boxed()
        })
        .await
    }
}

/// The providers, by name.
pub(super) async fn all_providers(
    connection: &impl ConnectionTrait,
) -> std::result::Result<Vec<StoredProvider>, sea_orm::DbErr> {
    let rows = provider::Entity::find().order_by_asc(provider::Column::Name).all(connection).await?;
    Ok(rows.into_iter().map(stored).collect())
}

/// Every model that people are not offered.
pub(super) async fn all_hidden_models(
    connection: &impl ConnectionTrait,
) -> std::result::Result<Vec<ModelName>, sea_orm::DbErr> {
    let rows = hidden_model::Entity::find().all(connection).await?;
    Ok(rows.iter().filter_map(|row| ModelName::parse(&row.name).ok()).collect())
}

async fn apply(connection: &impl ConnectionTrait, row: &provider::Model, change: ProviderChange) -> Written<()> {
    let update = provider::Entity::update_many().filter(provider::Column::Id.eq(row.id));
    let set_enabled = |is_enabled: bool| update.clone().col_expr(provider::Column::IsEnabled, Expr::value(is_enabled));
    match change {
        ProviderChange::Enable => _ = set_enabled(true).exec(connection).await?,
        ProviderChange::Disable => _ = set_enabled(false).exec(connection).await?,
        ProviderChange::Replace { base_url, key, .. } => {
            if base_url != row.base_url {
                forget_provider(connection, &row.name).await?;
            }
            let (sealed_key, key_hint) = columns(key);
            update
                .col_expr(provider::Column::BaseUrl, Expr::value(base_url))
                .col_expr(provider::Column::SealedKey, Expr::value(sealed_key))
                .col_expr(provider::Column::KeyHint, Expr::value(key_hint))
                .exec(connection)
                .await?;
        }
        ProviderChange::Remove => {
            // What was said about its models is not said about those of another one that takes its name.
            forget_provider(connection, &row.name).await?;
            let prefix = format!("{}/", row.name);
            hidden_model::Entity::delete_many()
                .filter(hidden_model::Column::Name.starts_with(&prefix))
                .exec(connection)
                .await?;
            site::Entity::update_many()
                .col_expr(site::Column::DefaultModel, Expr::value(None::<String>))
                .filter(site::Column::Id.eq(SITE_ID))
                .filter(site::Column::DefaultModel.starts_with(&prefix))
                .exec(connection)
                .await?;
            provider::Entity::delete_by_id(row.id).exec(connection).await?;
        }
    }
    Ok(())
}

fn stored(row: provider::Model) -> StoredProvider {
    StoredProvider {
        id: ProviderId(row.id),
        name: row.name,
        base_url: row.base_url,
        is_enabled: row.is_enabled,
        key: row.sealed_key.map(|sealed| SealedKey { sealed, hint: row.key_hint }),
    }
}

fn columns(key: Option<SealedKey>) -> (Option<Vec<u8>>, String) {
    match key {
        Some(key) => (Some(key.sealed), key.hint),
        None => (None, String::new()),
    }
}
