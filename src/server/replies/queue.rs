//! The line of replies that wait for their turn.
//!
//! A reply waits for the one before it in its chat, and for a place: a user may have so many at a time, and a server so
//! many in all. Places go round: whoever has the fewest running replies gets the next one, and among equals the oldest
//! message does, so that nobody waits behind a hundred messages of somebody else. Every server looks for the next ones to
//! begin, whenever one of its own replies has ended and every second; the database gives each to one of them.

use std::collections::{HashMap, HashSet};

use super::{sweep, view};
use crate::{
    domain::ids::{ChatId, MessageId, UserId},
    server::{
        db::{UnfinishedReply, UserDb},
        state::AppState,
    },
};

/// Who comes after whom.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Those that wait for a place only, the next one first, and whether their user may have one more.
    next: Vec<(UnfinishedReply, bool)>,
    /// Those that wait for the one before in their chat.
    behind: Vec<UnfinishedReply>,
}

impl Line {
    /// Lines up what waits; `unfinished` has what runs and what waits, the oldest first.
    pub fn new(unfinished: &[UnfinishedReply], running_max: u64) -> Self {
        let mut first_of_chat: HashMap<ChatId, i64> = HashMap::new();
        let mut taken: HashMap<UserId, u64> = HashMap::new();
        for reply in unfinished {
            let first = first_of_chat.entry(reply.chat_id).or_insert(reply.seq);
            *first = reply.seq.min(*first);
            *taken.entry(reply.user_id).or_default() += u64::from(!reply.is_queued);
        }
        let (mut next, mut behind) = (Vec::new(), Vec::new());
        for reply in unfinished.iter().filter(|reply| reply.is_queued) {
            if first_of_chat[&reply.chat_id] != reply.seq {
                behind.push(*reply);
                continue;
            }
            let turn = taken.entry(reply.user_id).or_default();
            next.push((*turn, *reply));
            *turn += 1;
        }
        // Stable: among equal turns the oldest stays first.
        next.sort_by_key(|(turn, _)| *turn);
        Self { next: next.into_iter().map(|(turn, reply)| (reply, turn < running_max)).collect(), behind }
    }

    /// The next ones that may begin.
    fn startable(&self, count: usize) -> Vec<UnfinishedReply> {
        self.next.iter().filter(|(_, may_start)| *may_start).map(|(reply, _)| *reply).take(count).collect()
    }

    /// How many get a place sooner, for each that waits; none for those that wait for another one of their chat.
    fn places(&self) -> impl Iterator<Item = (UnfinishedReply, Option<u32>)> {
        let next = (0..).zip(&self.next).map(|(ahead, (reply, _))| (*reply, Some(ahead)));
        next.chain(self.behind.iter().map(|reply| (*reply, None)))
    }
}

/// How many get a place sooner than these replies do.
pub async fn places_of(state: &AppState, ids: &[MessageId]) -> HashMap<MessageId, Option<u32>> {
    // Without the answer, the page says that they wait and not how long.
    let unfinished = state.db.list_unfinished_replies().await.unwrap_or_default();
    let line = Line::new(&unfinished, state.config.limits.replies_per_user);
    line.places().map(|(reply, ahead)| (reply.message_id, ahead)).filter(|(id, _)| ids.contains(id)).collect()
}

/// What the tabs of this server were told of the places in the line.
#[derive(Default)]
pub struct Told(HashMap<MessageId, Option<u32>>);

/// Begins what may begin, as long as there are places, and tells those who wait where they are now.
pub async fn advance(state: &AppState, told: &mut Told) {
    // A failure is logged where it happens; the next second tries again.
    let Ok(unfinished) = state.db.list_unfinished_replies().await else { return };
    if unfinished.is_empty() {
        told.0.clear();
        return;
    }
    let line = Line::new(&unfinished, state.config.limits.replies_per_user);
    let mut places = state.running.reserve_many(line.next.len());
    let startable = line.startable(places.len());
    places.truncate(startable.len());
    let begun: HashSet<MessageId> = startable.iter().map(|reply| reply.message_id).collect();
    if !startable.is_empty() {
        let Ok(started) = state.db.start_queued_replies(startable).await else { return };
        for reply in started {
            let Some(place) = places.pop() else { break };
            tracing::debug!(message = %reply.message_id, "a queued reply begins");
            sweep::spawn(state, reply, place);
        }
    }
    let waiting: HashMap<MessageId, UnfinishedReply> =
        line.places().map(|(reply, _)| (reply.message_id, reply)).filter(|(id, _)| !begun.contains(id)).collect();
    let still: Vec<UnfinishedReply> = unfinished
        .into_iter()
        .map(|reply| UnfinishedReply { is_queued: waiting.contains_key(&reply.message_id), ..reply })
        .collect();
    let line = Line::new(&still, state.config.limits.replies_per_user);
    let now: HashMap<MessageId, Option<u32>> = line.places().map(|(reply, ahead)| (reply.message_id, ahead)).collect();
    for (id, ahead) in now.iter().filter(|(id, ahead)| told.0.get(*id) != Some(*ahead)) {
        let reply = waiting[id];
        state.live.reply_queued(reply.user_id, reply.chat_id, *id, *ahead);
    }
    told.0 = now;
}

/// Gives up a reply before it has begun, for whoever follows it. False when it is not queued (any more).
pub async fn cancel(state: &AppState, db: &UserDb, message_id: MessageId) -> crate::error::Result<bool> {
    let Some(stored) = db.cancel_queued_reply(message_id).await? else { return Ok(false) };
    let message = view::show_with_files(state, db, stored).await;
    state.live.end_reply(db.user_id(), message);
    state.running.look_again();
    Ok(true)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// A reply of a user in one of the user's chats.
    fn reply(n: u8, user: u8, chat: u8, is_queued: bool) -> UnfinishedReply {
        UnfinishedReply {
            user_id: UserId(Uuid::from_u128(user.into())),
            chat_id: ChatId(Uuid::from_u128((u128::from(user) << 8) + u128::from(chat))),
            message_id: MessageId(Uuid::from_u128(n.into())),
            seq: n.into(),
            is_queued,
        }
    }

    fn numbers(replies: impl IntoIterator<Item = UnfinishedReply>) -> Vec<i64> {
        replies.into_iter().map(|reply| reply.seq).collect()
    }

    #[test]
    fn places_go_round_among_users() {
        let mut unfinished: Vec<UnfinishedReply> = (1..=5).map(|n| reply(n, 1, n, true)).collect();
        unfinished.extend([reply(6, 2, 1, true), reply(7, 3, 1, true), reply(8, 2, 2, true)]);
        let line = Line::new(&unfinished, 20);
        assert_eq!(numbers(line.startable(8)), [1, 6, 7, 2, 8, 3, 4, 5]);
        assert_eq!(numbers(line.startable(2)), [1, 6]);
        let last = line.places().last().unwrap();
        assert_eq!((last.0.seq, last.1), (5, Some(7)));
    }

    #[test]
    fn whoever_has_running_replies_comes_after_those_who_have_none() {
        let unfinished = [
            reply(1, 1, 1, false),
            reply(2, 1, 2, false),
            reply(3, 1, 3, true),
            reply(4, 2, 1, true),
            reply(5, 2, 2, true),
        ];
        assert_eq!(numbers(Line::new(&unfinished, 20).startable(9)), [4, 5, 3]);
        // Their own bound holds them back, and nobody else.
        assert_eq!(numbers(Line::new(&unfinished, 2).startable(9)), [4, 5]);
    }

    #[test]
    fn a_reply_waits_for_the_one_before_it_in_its_chat() {
        let unfinished = [reply(1, 1, 1, false), reply(2, 1, 1, true), reply(3, 1, 2, true), reply(4, 1, 2, true)];
        let line = Line::new(&unfinished, 20);
        assert_eq!(numbers(line.startable(9)), [3]);
        let places: Vec<(i64, Option<u32>)> = line.places().map(|(reply, ahead)| (reply.seq, ahead)).collect();
        assert_eq!(places, [(3, Some(0)), (2, None), (4, None)]);
    }
}
