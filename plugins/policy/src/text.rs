//! Texts of a message: whose they are, and where they stand.

use std::ops::Range;

/// Which text a piece or an edit belongs to. Unique within one direction of an exchange; its meaning is `wire`'s alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextId(pub u64);

/// Whose text it is, as the conversation says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// The conversation does not say: fields beside the messages, fields nobody has heard of, a message whose role stands behind its text.
    #[default]
    Unknown,
    /// The application's instructions: `system`, `developer`, and the tools that it declares.
    System,
    /// The person's words.
    User,
    /// The model's words: earlier answers in a request, and all of a response.
    Assistant,
    /// What a tool answered.
    Tool,
}

/// Where a text stands: what can be expected of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// Words, code, anything: what nothing else is said of.
    #[default]
    Prose,
    /// What a tool is called with.
    Arguments,
    /// The key of an object.
    Key,
    /// A random string that the API itself puts there: an id, a signature, encrypted reasoning, the base64 of a picture. Only a text that
    /// looks like that is called so; what stands in such a place and looks otherwise is prose.
    Opaque,
    /// A number of JSON that is no setting or count of the API's own. The text is the digits of its integer part, without its sign. A number
    /// of which an [`crate::Edit`] takes anything is a string from then on, of what the first edit puts there.
    Number,
}

/// How a text stands to the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// It is a text by itself.
    #[default]
    Alone,
    /// It is the first part of a message that may have several.
    First,
    /// It goes on where the part before it ended: a model reads both as one. [`crate::Edit`]s of it may come together with edits of the parts
    /// before.
    Next,
}

/// A piece of one text, unescaped. The pieces of a text in order, put together, are the text; where it is cut means nothing.
/// In a request one text is open at a time; in a streamed response many are, each a choice's or a block's channel.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Which text.
    pub id: TextId,
    /// The next piece; may be empty.
    pub piece: &'a str,
    /// No piece of this text follows.
    pub last: bool,
    /// Whose it is. The same for all pieces.
    pub role: Role,
    /// Where it stands. The same for all pieces, but for an opaque text of a stream that turns out to be none: its pieces are prose from
    /// then on.
    pub place: Place,
    /// How it stands to the text before it. The same for all pieces.
    pub part: Part,
    /// The key whose value it is, where no API knows that key; else empty. The same for all pieces. The key is a text of its own, too.
    pub key: &'a str,
}

/// A whole text, by where it stands in the body that it came with: what is written there is what it means.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Its bytes.
    pub text: Range<usize>,
    /// Those of its key, see [`Text::key`].
    pub key: Range<usize>,
    /// See [`Text::role`].
    pub role: Role,
    /// See [`Text::place`].
    pub place: Place,
}

/// Whole texts of a body, in its order, that were not told yet.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The body as far as it came.
    pub body: &'a str,
    /// At most [`Batch::TEXTS_MAX`].
    pub texts: &'a [Placed],
}

impl<'a> Batch<'a> {
    /// Most texts of one: each has a bit.
    pub const TEXTS_MAX: usize = u64::BITS as usize;

    /// One of the texts.
    #[must_use]
    pub fn text(self, placed: &Placed) -> Text<'a> {
        let of = |range: &Range<usize>| self.body.get(range.clone()).unwrap_or_default();
        Text {
            id: TextId(placed.text.start as u64),
            piece: of(&placed.text),
            last: true,
            role: placed.role,
            place: placed.place,
            part: Part::Alone,
            key: of(&placed.key),
        }
    }

    /// The body from the first quotation mark of a text's key on, and how many bytes there are up to the colon behind it, which is included; the
    /// same from the text's own one on, to its end. Without a key nothing, and the text without its quotation mark. `None` where a blank stands
    /// before the colon.
    #[must_use]
    pub fn written(self, placed: &Placed) -> Option<[(&'a [u8], usize); 2]> {
        let (key, text) = (&placed.key, &placed.text);
        let body = self.body.as_bytes();
        if key.is_empty() {
            return Some([(&[], 0), (body.get(text.start..)?, text.len())]);
        }
        let colon = body.get(key.end..)?.first_chunk()? == b"\":";
        let from = |at: usize| at.checked_sub(1).and_then(|at| body.get(at..));
        colon.then_some(())?;
        Some([
            (from(key.start)?, key.len() + 3),
            (from(text.start)?, text.len() + 1),
        ])
    }
}

impl<'a> Text<'a> {
    /// A text of which nothing else is known.
    #[must_use]
    pub const fn prose(id: TextId, piece: &'a str, last: bool) -> Self {
        Self {
            id,
            piece,
            last,
            role: Role::Unknown,
            place: Place::Prose,
            part: Part::Alone,
            key: "",
        }
    }
}
