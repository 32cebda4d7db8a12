//! Every bound, with its unit last. Server and browser read the same numbers; the server's check is the one that counts.

/// Longest e-mail address (RFC 5321 §4.5.3.1.3, path without its brackets).
pub const EMAIL_CHARS_MAX: usize = 254;
/// Shortest password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password; it is hashed as typed.
pub const PASSWORD_CHARS_MAX: usize = 1_024;
/// Longest name that a person wants to be called by.
pub const DISPLAY_NAME_CHARS_MAX: usize = 80;
/// Longest message that a person sends.
pub const MESSAGE_CHARS_MAX: usize = 32_000;
/// A chat's title is cut to this.
pub const CHAT_TITLE_CHARS_MAX: usize = 80;
/// Longest name of a model, provider included.
pub const MODEL_NAME_CHARS_MAX: usize = 200;
/// Models offered by one provider; more are cut off.
pub const MODELS_PER_PROVIDER_MAX: usize = 500;

/// Longest name of a provider.
pub const PROVIDER_NAME_CHARS_MAX: usize = 32;
/// Longest address of a provider.
pub const PROVIDER_URL_CHARS_MAX: usize = 500;
/// Longest access key of a provider.
pub const PROVIDER_KEY_CHARS_MAX: usize = 500;
/// Of a key that is shorter than this, nothing is ever shown.
pub const PROVIDER_KEY_HINT_CHARS_MIN: usize = 12;
/// Providers that can be connected on the pages of administration.
pub const PROVIDERS_MAX: u64 = 20;
/// Models that can be kept from people.
pub const HIDDEN_MODELS_MAX: u64 = 5_000;
/// Longest name of the site.
pub const SITE_NAME_CHARS_MAX: usize = 40;
/// Longest notice to everybody.
pub const NOTICE_CHARS_MAX: usize = 500;
/// A browser remembers this long that the notice was dismissed.
pub const NOTICE_DISMISSED_SECONDS: i64 = 365 * 24 * 3_600;
/// Running replies are given this long to end when the server is told to stop, unless another time is set.
pub const DRAIN_SECONDS: u64 = 10;
/// Servers of a site read its settings again at least this often.
pub const SITE_RELOAD_SECONDS_MAX: u64 = 30;

/// Chats in one page of the chat list.
pub const CHATS_PER_PAGE: u64 = 60;
/// Messages in one page of a chat.
pub const MESSAGES_PER_PAGE: u64 = 50;

/// People in one page of the list.
pub const PEOPLE_PER_PAGE: u64 = 50;
/// Entries in one page of the audit log.
pub const AUDIT_ENTRIES_PER_PAGE: u64 = 100;
/// Entries in one export of it.
pub const AUDIT_ENTRIES_EXPORTED_MAX: usize = 100_000;
/// Longest text to search for.
pub const SEARCH_CHARS_MAX: usize = 100;
/// Notifications that are kept for one user; the oldest go.
pub const NOTIFICATIONS_PER_USER_MAX: u64 = 50;
/// Longest text of one; a longer one is cut.
pub const NOTIFICATION_CHARS_MAX: usize = 254;
/// Notifications that are shown above a page at a time.
pub const NOTIFICATIONS_SHOWN_MAX: usize = 5;
/// Entries of the audit log are kept for this long.
pub const AUDIT_DAYS: u32 = 365;
/// Entries of it that are removed at a time.
pub const AUDIT_ENTRIES_REMOVED_MAX: u64 = 1_000;
/// Sessions in the list of everybody's.
pub const LIVE_SESSIONS_SHOWN_MAX: u64 = 500;
/// An invitation works for this long, unless the site says otherwise.
pub const INVITATION_DAYS: i64 = 7;
/// Longest that a site can let one work.
pub const INVITATION_DAYS_MAX: i64 = 30;
/// A link for a new password works for this long.
pub const PASSWORD_LINK_SECONDS: i64 = 24 * 3_600;

/// Longest name of a file.
pub const FILE_NAME_CHARS_MAX: usize = 255;
/// Largest file, in millions of bytes, unless another size is set.
pub const FILE_MEGABYTES_MAX: u64 = 2_000;
/// What all files of one user may take, in millions of bytes, unless another size is set.
pub const STORAGE_MEGABYTES_PER_USER_MAX: u64 = 10_000;
/// Files of one user.
pub const FILES_PER_USER_MAX: u64 = 20_000;
/// Files in one page of the list.
pub const FILES_PER_PAGE: u64 = 50;
/// Files in one form.
pub const FILES_PER_FORM_MAX: u64 = 20;
/// Files that come with one message.
pub const FILES_PER_MESSAGE_MAX: usize = 20;
/// A file that was uploaded for a message, and that no message came with, is deleted after this.
pub const UNUSED_FILE_SECONDS: i64 = 24 * 60 * 60;
/// Files that a whole chat has.
pub const FILES_PER_CHAT_MAX: u64 = 50;
/// Files that a reply is given something of, and of which more is said than that there was no room.
pub const FILES_PER_REPLY_MAX: usize = 100;
/// Files of which a model was given nothing, and is told so by their names; of others it is told how many.
pub const FILES_LEFT_OUT_NAMED_MAX: usize = 10;
/// Messages before a question whose files belong to it, too.
pub const MESSAGES_LOOKED_BACK_MAX: usize = 40;
/// Sources of one reply.
pub const SOURCES_MAX: usize = 60;
/// What sources take of what a model reads, at the most; and never more than half of it.
pub const SOURCE_TOKENS_MAX: usize = 12_000;
/// Passages that are looked for, for one reply.
pub const PASSAGES_MAX: usize = 12;
/// Pictures that a model is shown with one question, and what each counts.
pub const PICTURES_PER_REPLY_MAX: usize = 4;
pub const PICTURE_TOKENS: usize = 1_000;
/// A reply waits this long for its files to be read; and this long for what finds them by meaning.
pub const REPLY_FILES_SECONDS_MAX: u64 = 180;
pub const REPLY_MEANING_SECONDS_MAX: u64 = 20;
/// The latter for files that were uploaded within this time: of others, all may be having their vectors made anew.
pub const FILE_FRESH_SECONDS: i64 = 600;
/// After a model refused a picture, it is shown none for so long.
pub const BLIND_SECONDS: u64 = 3_600;
/// Files that are deleted at a time.
pub const FILES_DELETED_MAX: usize = 500;
/// Uploads of one user that are not complete.
pub const UPLOADS_PER_USER_MAX: u64 = 100;
/// An upload that nobody goes on with is given up after this.
pub const UPLOAD_SECONDS_MAX: i64 = 24 * 3_600;
/// Uploads that a server takes in at a time.
pub const UPLOADS_AT_A_TIME_MAX: usize = 32;
/// Those of one user.
pub const UPLOADS_AT_A_TIME_PER_USER_MAX: usize = 6;
/// What arrives is kept in pieces of this size; so much of an upload is in memory.
pub const UPLOAD_PART_BYTES: usize = 4 * 1024 * 1024;
/// An upload that brings nothing for so long is let go.
pub const UPLOAD_IDLE_SECONDS_MAX: u64 = 30;
/// One that is slower than this, a while after its begin, is let go, too.
pub const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 1_024;
/// That is looked at anew each time that an upload was waited for so long.
pub const UPLOAD_RATE_SECONDS: u64 = 30;
/// Files that a server reads at a time.
pub const FILES_READ_AT_A_TIME_MAX: usize = 2;
/// Largest file that is read; a larger one is kept only.
pub const FILE_READ_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What the process that reads one may take of memory, beside what it has when it starts.
pub const FILE_READER_BYTES_MAX: u64 = 208 * 1024 * 1024;
/// Processor time that reading one may take.
pub const FILE_READER_CPU_SECONDS_MAX: u64 = 30;
/// Reading one may take so long in all.
pub const FILE_READER_SECONDS_MAX: u64 = 90;
/// What is packed in a file may be so large in all.
pub const FILE_UNPACKED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Files that are packed in one.
pub const FILE_PACKED_FILES_MAX: usize = 10_000;
/// Longest text of a file.
pub const FILE_TEXT_CHARS_MAX: usize = 8_000_000;
/// Pages of a file.
pub const FILE_PAGES_MAX: usize = 10_000;
/// The text of a file is kept in pieces of at most this length: so short that one has one subject, which
/// is what the model for searching tells best.
pub const CHUNK_CHARS_MAX: usize = 600;
/// Pieces that a file's page shows at a time.
pub const CHUNKS_PER_PAGE: u32 = 20;
/// Longest heading that is kept with a piece.
pub const CHUNK_HEADING_CHARS_MAX: usize = 200;
/// Width and height of an image that is looked at.
pub const IMAGE_SIDE_PIXELS_MAX: u32 = 20_000;
/// Both multiplied.
pub const IMAGE_PIXELS_MAX: u64 = 40_000_000;
/// The longer side of the small picture of an image, for lists.
pub const THUMBNAIL_SIDE_PIXELS_MAX: u32 = 192;
/// The longer side of what is shown of an image, to people and to models.
pub const VIEW_SIDE_PIXELS_MAX: u32 = 1_568;
/// A view with something that shines through, which is kept without loss; a larger one loses that.
pub const VIEW_BYTES_MAX: usize = 1_500_000;
/// Pieces of text that are looked at of those that have a word in common with a question.
pub const SEARCH_HITS_MAX: u64 = 600;
/// Chats that are named where a file is used.
pub const CHATS_PER_FILE_SHOWN: usize = 3;
/// Pieces of text that a search shows.
pub const SEARCH_RESULTS: usize = 10;
/// Numbers of a vector that says what a text means.
pub const VECTOR_DIMENSIONS_MAX: usize = 4_096;
/// What a server keeps in memory to choose pieces by meaning, of everybody.
pub const VECTOR_CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Pieces of one person's files that are found by what they mean, those of the newest files; all are by their words.
pub const VECTORS_PER_USER_MAX: usize = 500_000;
/// It is kept for so long after somebody's last search.
pub const VECTOR_CACHE_SECONDS_MAX: u64 = 3_600;
/// Of somebody with no more pieces of text, the vectors are in memory, too.
pub const VECTORS_KEPT_PIECES_MAX: usize = 500;
/// What these take, of everybody.
pub const VECTORS_KEPT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Texts of which a model is asked at a time what they mean.
pub const TEXTS_EMBEDDED_AT_A_TIME: u64 = 8;
/// Different words and stems of a question that are looked for.
pub const SEARCH_TERMS_MAX: usize = 32;
/// Longest question that is looked for in files; of a longer one, the end. And that of what is looked for by its meaning.
pub const SEARCH_QUESTION_CHARS_MAX: usize = 2_000;
pub const MEANING_CHARS_MAX: usize = 700;
/// Wait for what a question means; after that it is looked for by its words alone.
pub const MEANING_SECONDS_MAX: u64 = 5;
/// A server that reads a file says so this often, and has lost it when it did not for the time after this.
pub const FILE_LEASE_RENEWED_SECONDS: u64 = 5;
pub const FILE_LEASE_SECONDS: i64 = 15;
/// A file that has to wait for something waits this long at first, then twice as long each time, up to the latter.
pub const FILE_PAUSE_SECONDS_MIN: i64 = 10;
pub const FILE_PAUSE_SECONDS_MAX: i64 = 600;
/// A file that its server lost so often is not tried again: it may be why.
pub const FILE_ATTEMPTS_MAX: i32 = 3;
/// Files that wait are looked for this often, though nobody said that there are any.
pub const FILE_SWEEP_SECONDS: u64 = 2;

/// A piece that nobody owns is removed after this: its server died while it was written.
pub const BLOB_PROMISE_SECONDS: i64 = 3_600;

/// Largest body of a request.
pub const REQUEST_BODY_BYTES_MAX: usize = 512 * 1024;
/// Largest body of a request that carries a password.
pub const PASSWORD_BODY_BYTES_MAX: usize = 16 * 1024;
/// Longest path to come back to after the log-in.
pub const NEXT_PATH_BYTES_MAX: usize = 512;
/// Of a request's header, this much is shown to whoever sent it.
pub const HEADER_SHOWN_CHARS_MAX: usize = 300;
/// A request that has not been answered after this is given up.
pub const REQUEST_SECONDS_MAX: u64 = 30;
/// Time a client has to send a request's head.
pub const REQUEST_HEAD_SECONDS_MAX: u64 = 15;
/// Connections open at a time.
pub const CONNECTIONS_MAX: usize = 12_000;

/// A session ends this long after its log-in, whatever happens.
pub const SESSION_SECONDS_MAX: i64 = 24 * 60 * 60;
/// A page says so when its session ends within this.
pub const SESSION_WARNING_SECONDS: i64 = 600;
/// Active sessions of one user; past this, the one that was not used for longest ends.
pub const SESSIONS_PER_USER_MAX: u64 = 100;
/// A session's last access is written this often at most.
pub const SESSION_TOUCH_SECONDS: i64 = 60;
/// What is kept of what a browser calls itself.
pub const DEVICE_CHARS_MAX: usize = 200;
/// Failed attempts for one account from one address before the next has to wait.
pub const ATTEMPTS_PER_ACCOUNT_MAX: u32 = 10;
/// One of them is forgotten after this.
pub const ATTEMPT_PER_ACCOUNT_SECONDS: u32 = 60;
/// Failed attempts from one address, whatever the account, before the next has to wait.
pub const ATTEMPTS_PER_ADDRESS_MAX: u32 = 50;
/// One of them is forgotten after this.
pub const ATTEMPT_PER_ADDRESS_SECONDS: u32 = 15;
/// Wrong codes of a second factor for one account, wherever they come from, before the next has to wait: whoever tries them
/// knows the password already.
pub const CODES_PER_ACCOUNT_MAX: u32 = 30;
/// One of them is forgotten after this.
pub const CODE_PER_ACCOUNT_SECONDS: u32 = 300;
/// Passwords that are hashed at a time at most, one for every two processor cores.
pub const PASSWORD_HASHES_MAX: usize = 4;
/// Wait for a place among them.
pub const PASSWORD_HASH_WAIT_SECONDS_MAX: u64 = 2;

/// A token that the API gives for a password lasts this long, and never longer than its session.
pub const API_TOKEN_SECONDS: i64 = 60 * 60;
/// Longest name of a token, or of a program's session.
pub const TOKEN_NAME_CHARS_MAX: usize = 100;
/// Longest life of a personal access token.
pub const TOKEN_DAYS_MAX: i64 = 365;
/// Personal access tokens of one user.
pub const TOKENS_PER_USER_MAX: u64 = 50;
/// Longest token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 2 * 1024;
/// Shortest secret that tokens are signed with.
pub const SECRET_CHARS_MIN: usize = 32;
/// A page of the settings can show a new token for this long after it was made.
pub const NEW_TOKEN_SECONDS: i64 = 60;
/// A program that waits for a reply is answered after this, with what there is: before a usual proxy gives up.
pub const API_REPLY_SECONDS_MAX: u64 = 60;
/// A program that follows a reply is asked this often whether it still may.
pub const API_RECHECK_SECONDS: u64 = 5;

/// Live connections of one user.
pub const SOCKETS_PER_USER_MAX: usize = 20;
/// Largest message that a browser sends over its live connection.
pub const SOCKET_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// What may wait in memory for a browser that reads slowly.
pub const SOCKET_WRITE_BUFFER_BYTES_MAX: usize = 1024 * 1024;
/// Events that wait for a browser; past this it is told to fetch afresh.
pub const SOCKET_EVENTS_QUEUED_MAX: usize = 256;
/// Commands a browser may send in one minute.
pub const SOCKET_COMMANDS_PER_MINUTE_MAX: u32 = 120;
/// Time between two pings, at most.
pub const SOCKET_PING_SECONDS: u64 = 25;
/// How much longer than two of them a connection may be silent.
pub const SOCKET_GRACE_SECONDS: u64 = 10;
/// A live connection that was silent for this long is dead.
pub const SOCKET_SILENCE_SECONDS_MAX: u64 = 2 * SOCKET_PING_SECONDS + SOCKET_GRACE_SECONDS;
/// A browser has this long to take one event.
pub const SOCKET_SEND_SECONDS_MAX: u64 = 60;
/// A tab has this long to say that it shows the end of a reply, before others are told of it.
pub const LOOK_SECONDS_MAX: u64 = 2;
/// Commands that wait for a stream of events to obey them.
pub const STREAM_COMMANDS_QUEUED_MAX: usize = 32;
/// A stream of events ends after this; its browser connects again, and may have a socket by then.
pub const STREAM_SECONDS_MAX: u64 = 900;

/// Connections to the database at a time.
pub const DATABASE_CONNECTIONS: u32 = 16;

/// Requests of one user's browsers in a minute, and as many again at once after a minute of rest; the same for their
/// programs. What is counted by the minute here is counted by each server for itself.
pub const REQUESTS_PER_MINUTE_MAX: u32 = 600;
/// Messages that one user sends, or asks to be answered again, in a minute; as many chats can be made.
pub const MESSAGES_PER_MINUTE_MAX: u32 = 60;
/// Files that are made for one user in an hour: all of their data, the audit log.
pub const EXPORTS_PER_HOUR_MAX: u32 = 20;

/// Replies of one user that are generated at a time, by all servers together.
pub const RUNNING_REPLIES_PER_USER_MAX: u64 = 20;
/// Versions of one message: edited, or asked for again.
pub const VERSIONS_MAX: usize = 50;
/// Messages of a chat that another chat can begin with.
pub const FORK_MESSAGES_MAX: usize = 2_000;
/// Replies of one user that wait for their turn; past this, nothing more is taken.
pub const QUEUED_REPLIES_PER_USER_MAX: u64 = 20;
/// Unfinished replies that are looked at when the next one of the queue is chosen, the oldest first.
pub const QUEUE_LOOKED_AT_MAX: u64 = 5_000;
/// Replies that one server generates at a time.
pub const RUNNING_REPLIES_MAX: usize = 1_000;
/// Longest reply; a longer one is cut and says so.
pub const REPLY_BYTES_MAX: usize = 256 * 1024;
/// What is kept of a model's reasoning; the rest is left out.
pub const REASONING_BYTES_MAX: usize = 64 * 1024;
/// Tokens of one reply that are believed; a server that says more is not.
pub const REPLY_TOKENS_COUNTED_MAX: u64 = 100_000_000;
/// Live updates of one reply in a second.
pub const REPLY_UPDATES_PER_SECOND_MAX: u32 = 30;
/// Live updates of all replies of one server in a second; the more there are, the more of the text each update brings.
pub const UPDATES_PER_SECOND_MAX: u32 = 1_500;
/// Time between two checkpoints of a running reply.
pub const REPLY_CHECKPOINT_SECONDS: u64 = 1;
/// A running reply that nobody renewed for this long has lost its server.
pub const REPLY_LEASE_SECONDS: i64 = 8;
/// A server that could not renew a reply for this long stops writing it: another one is about to take it over.
pub const REPLY_UNRENEWED_SECONDS_MAX: u64 = 7;
/// Lost replies are looked for this often.
pub const REPLY_SWEEP_SECONDS: u64 = 1;
/// A reply is taken over this often; one that loses its server again after that is interrupted.
pub const REPLY_TAKEOVERS_MAX: i32 = 3;

/// Tokens of a conversation that a model can have, its reply included, where its server does not say how many, unless
/// another number is set.
pub const CONTEXT_TOKENS: usize = 8_192;
/// Fewer are not believed, nor tried.
pub const CONTEXT_TOKENS_MIN: usize = 512;
/// More are not used: they are in memory while a reply is asked for.
pub const CONTEXT_TOKENS_MAX: usize = 1_000_000;
/// A quarter of them is kept free for the reply, but no more than this.
pub const REPLY_TOKENS_KEPT: usize = 4_096;
/// A question that its server finds too long is asked again this often, with less each time.
pub const CONTEXT_CUTS_MAX: usize = 4;
/// Longest summary of older messages.
pub const SUMMARY_TOKENS_MAX: usize = 1_024;
/// Questions that one summary may take, each with what fits; what is older than that is left out.
pub const SUMMARY_QUESTIONS_MAX: usize = 4;
/// A reply waits this long for the summary that is made before it.
pub const SUMMARY_SECONDS_MAX: u64 = 60;
/// After one that could not be made, none is tried in this chat for so long.
pub const SUMMARY_PAUSE_SECONDS: u64 = 300;
/// Chats of which that is remembered.
pub const SUMMARY_PAUSES_MAX: usize = 1_000;

/// One line of a provider's event stream.
pub const PROVIDER_LINE_BYTES_MAX: usize = 1024 * 1024;
/// Everything that a provider sends for one reply, framing included.
pub const PROVIDER_STREAM_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What is read of a refusal.
pub const PROVIDER_REFUSAL_BYTES_MAX: usize = 64 * 1024;
/// A provider's list of models.
pub const PROVIDER_LIST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest answer to what some texts mean.
pub const PROVIDER_VECTORS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A question that failed before the first word of its reply is asked again this often, unless another number is set.
pub const PROVIDER_RETRIES: u32 = 2;
/// Failures in a row after which a provider's server is left alone for a while.
pub const PROVIDER_OUTAGES_MAX: u32 = 5;
/// How long it is, unless another time is set; it is not waited for longer when it asks for time itself.
pub const PROVIDER_REST_SECONDS: u64 = 10;
/// What was found out about a model by trying holds for this long.
pub const DIALECT_KEPT_MS: i64 = 7 * 24 * 3_600_000;
