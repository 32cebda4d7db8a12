//! What waits for whom, and what a slow reader skips.

use uuid::Uuid;

use super::*;
use crate::domain::{
    message::SafeHtml,
    reply::{ReasoningPiece, ReplyPhase},
    session::SessionEnd,
};

struct Scene {
    hub: Hub,
    user: UserId,
    chat: ChatId,
    mailbox: Arc<Mailbox>,
    reply: Arc<LiveReply>,
}

fn session(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

fn html(text: &str) -> SafeHtml {
    serde_json::from_value(text.into()).unwrap()
}

fn scene() -> Scene {
    let hub = Hub::default();
    let (user, chat) = (UserId(Uuid::from_u128(1)), ChatId(Uuid::from_u128(2)));
    let mailbox = hub.register(user, session(1), 2).unwrap();
    mailbox.watch(Some(chat));
    let reply = Arc::new(LiveReply::ours(user, chat, MessageId(Uuid::from_u128(3))));
    hub.add_reply(Arc::clone(&reply));
    Scene { hub, user, chat, mailbox, reply }
}

fn progress(outgoing: Option<Outgoing>) -> (usize, usize, String) {
    match outgoing {
        Some(Outgoing::Event(LiveEvent::ReplyProgress { first_block, blocks, tail, .. })) => {
            (first_block, blocks.len(), tail.as_str().to_owned())
        }
        other => panic!("no progress but {other:?}"),
    }
}

#[test]
fn a_slow_reader_skips_what_lies_between() {
    let Scene { hub, mailbox, reply, .. } = scene();
    for n in 0..1_000 {
        reply.show(0, vec![], html(&n.to_string()));
        hub.mark_progress(&reply, usize::MAX);
    }
    assert_eq!(progress(mailbox.take(&hub)), (0, 0, "999".to_owned()));
    assert_eq!(mailbox.take(&hub), None);
}

#[test]
fn what_only_says_that_something_is_to_be_fetched_waits_once() {
    let Scene { hub, mailbox, .. } = scene();
    for _ in 0..2 * limits::SOCKET_EVENTS_QUEUED_MAX {
        mailbox.push(LiveEvent::FilesChanged);
        mailbox.push(LiveEvent::NotificationsChanged);
    }
    assert_eq!(mailbox.take(&hub), Some(Outgoing::Event(LiveEvent::FilesChanged)));
    // Told since: what was fetched for the first may be from before.
    mailbox.push(LiveEvent::FilesChanged);
    assert_eq!(mailbox.take(&hub), Some(Outgoing::Event(LiveEvent::NotificationsChanged)));
    assert_eq!(mailbox.take(&hub), Some(Outgoing::Event(LiveEvent::FilesChanged)));
    assert_eq!(mailbox.take(&hub), None);
}

#[test]
fn finished_blocks_are_sent_once() {
    let Scene { hub, mailbox, reply, .. } = scene();
    reply.show(0, vec![html("one")], html("tw"));
    hub.mark_progress(&reply, usize::MAX);
    assert_eq!(progress(mailbox.take(&hub)), (0, 1, "tw".to_owned()));
    reply.show(1, vec![html("two"), html("three")], html("fo"));
    hub.mark_progress(&reply, usize::MAX);
    assert_eq!(progress(mailbox.take(&hub)), (1, 2, "fo".to_owned()));
}

#[test]
fn reasoning_is_sent_once_and_whole_when_another_takes_its_place() {
    let Scene { hub, mailbox, reply, .. } = scene();
    let tell = |from, text: &str| {
        assert!(reply.tell(ReplyPhase::Thinking, Some(ReasoningPiece { from, text: text.to_owned() })));
        hub.mark_progress(&reply, usize::MAX);
        match mailbox.take(&hub) {
            Some(Outgoing::Event(LiveEvent::ReplyProgress { reasoning: Some(piece), .. })) => (piece.from, piece.text),
            other => panic!("no reasoning but {other:?}"),
        }
    };
    assert_eq!(tell(0, "One"), (0, "One".to_owned()));
    assert_eq!(tell(3, ", two"), (3, ", two".to_owned()));
    assert_eq!(tell(0, "Something else"), (0, "Something else".to_owned()));
    assert_eq!(tell(14, "!"), (14, "!".to_owned()));
    assert!(!reply.tell(ReplyPhase::Thinking, Some(ReasoningPiece { from: 99, text: String::new() })));
}

#[test]
fn another_text_in_the_place_of_the_first_is_sent_whole() {
    let Scene { hub, mailbox, reply, .. } = scene();
    reply.show(0, vec![html("one"), html("two")], html("th"));
    hub.mark_progress(&reply, 0);
    assert_eq!(progress(mailbox.take(&hub)), (0, 2, "th".to_owned()));
    reply.show(0, vec![html("eins"), html("zwei")], html("dr"));
    hub.mark_progress(&reply, 0);
    assert_eq!(progress(mailbox.take(&hub)), (0, 2, "dr".to_owned()));
}

#[test]
fn only_who_watches_the_chat_is_sent_its_text_and_only_its_owner_anything() {
    let Scene { hub, user, chat, reply, mailbox } = scene();
    let elsewhere = hub.register(user, session(2), 2).unwrap();
    let other = hub.register(UserId(Uuid::from_u128(9)), session(3), 2).unwrap();
    other.watch(Some(chat));
    hub.mark_progress(&reply, usize::MAX);
    hub.announce(user, &LiveEvent::Resync);
    assert_eq!(elsewhere.take(&hub), Some(Outgoing::Event(LiveEvent::Resync)));
    assert_eq!((elsewhere.take(&hub), other.take(&hub)), (None, None));
    assert!(mailbox.take(&hub).is_some());
}

#[test]
fn too_many_events_become_one_resync() {
    let Scene { hub, user, mailbox, .. } = scene();
    for _ in 0..=limits::SOCKET_EVENTS_QUEUED_MAX {
        hub.announce(user, &LiveEvent::Refused { code: "x".to_owned() });
    }
    assert_eq!(mailbox.take(&hub), Some(Outgoing::Event(LiveEvent::Resync)));
    assert_eq!(mailbox.take(&hub), None);
}

#[test]
fn one_connection_too_many_is_refused_and_the_others_stay() {
    let Scene { hub, user, .. } = scene();
    let second = hub.register(user, session(2), 2).unwrap();
    assert!(hub.register(user, session(3), 2).is_err());
    assert!(!hub.unregister(&second));
    assert!(hub.register(user, session(4), 2).is_ok());
}

#[test]
fn a_session_is_closed_with_its_reason_before_anything_else() {
    let Scene { hub, user, mailbox, .. } = scene();
    let other = hub.register(user, session(2), 2).unwrap();
    hub.announce(user, &LiveEvent::Resync);
    let reason = CloseReason::SessionEnded(SessionEnd::LoggedOut);
    hub.close_sessions(user, Sessions::One(session(1)), reason);
    assert_eq!(mailbox.take(&hub), Some(Outgoing::Close(reason)));
    assert_eq!(other.take(&hub), Some(Outgoing::Event(LiveEvent::Resync)));
}

#[test]
fn a_mirror_notices_that_it_missed_something() {
    let Scene { hub, user, chat, mailbox, .. } = scene();
    let message_id = MessageId(Uuid::from_u128(7));
    let at = |first_block, blocks: Vec<SafeHtml>| Progress {
        user_id: user,
        chat_id: chat,
        message_id,
        first_block,
        blocks,
        tail: html("t"),
        phase: ReplyPhase::Writing,
        reasoning: None,
    };
    assert!(!hub.mirror(at(2, vec![html("three")])));
    assert!(hub.mirror(at(0, vec![html("one"), html("two")])));
    assert_eq!(progress(mailbox.take(&hub)), (0, 2, "t".to_owned()));
    assert!(hub.mirror(at(2, vec![html("three")])));
    assert_eq!(progress(mailbox.take(&hub)), (2, 1, "t".to_owned()));
}
