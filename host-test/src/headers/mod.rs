//! Header maps as Envoy keeps them: an ordered list with lower-case names in which a name may stand several times.

mod known;

use std::fmt;

pub(crate) use known::MapKind;

/// Headers or trailers of one message. Names are stored in lower case, values are bytes; pseudo-headers (`:path`)
/// always stand before the others, as in Envoy.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderMap(Vec<(Vec<u8>, Vec<u8>)>);

impl HeaderMap {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value under `name`, which is what `proxy_get_header_map_value` shows to a guest.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref().to_ascii_lowercase();
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The first value under `name` as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<String> {
        self.get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Every value under `name`, in order.
    pub fn get_all(&self, name: impl AsRef<[u8]>) -> Vec<&[u8]> {
        let name = name.as_ref().to_ascii_lowercase();
        self.0
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.as_slice())
            .collect()
    }

    /// Whether `name` stands in the map.
    pub fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.get(name).is_some()
    }

    /// Adds a value and keeps those already there.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        let entry = (name, value.as_ref().to_vec());
        if entry.0.first() == Some(&b':') {
            let end = self
                .0
                .iter()
                .take_while(|(key, _)| key.first() == Some(&b':'))
                .count();
            self.0.insert(end, entry);
        } else {
            self.0.push(entry);
        }
    }

    /// Adds a value as Envoy does in a map of this kind: names that it knows hold one value, a second is joined to it.
    pub(crate) fn add_known(
        &mut self,
        kind: MapKind,
        name: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) {
        let name = kind.canonical(name.as_ref());
        match self
            .0
            .iter_mut()
            .find(|(key, _)| *key == name && kind.joins(&name))
        {
            Some((_, present)) => {
                present.push(b',');
                present.extend_from_slice(value.as_ref());
            }
            None => self.add(name, value),
        }
    }

    /// The map as Envoy holds it once its codec has read it.
    pub(crate) fn joined(&self, kind: MapKind) -> Self {
        let mut map = Self::new();
        for (name, value) in self.iter() {
            map.add_known(kind, name, value);
        }
        map
    }

    /// Replaces every value under `name` by one, which then stands last (Envoy removes and adds).
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.remove(name.as_ref());
        self.add(name, value);
    }

    /// Removes every value under `name`.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        self.0.retain(|(key, _)| *key != name);
    }

    /// How many entries there are, duplicates counted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of the lengths of all names and values, which is what `proxy_get_header_map_size` answers in Envoy.
    pub fn byte_size(&self) -> usize {
        self.0
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }

    /// Entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(K, V)> for HeaderMap {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        for (key, value) in pairs {
            map.add(key, value);
        }
        map
    }
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>, const N: usize> From<[(K, V); N]> for HeaderMap {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> From<Vec<(K, V)>> for HeaderMap {
    fn from(pairs: Vec<(K, V)>) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: AsRef<[u8]>, V: AsRef<[u8]>> From<&[(K, V)]> for HeaderMap {
    fn from(pairs: &[(K, V)]) -> Self {
        pairs
            .iter()
            .map(|(key, value)| (key.as_ref(), value.as_ref()))
            .collect()
    }
}

impl From<&HeaderMap> for HeaderMap {
    fn from(map: &HeaderMap) -> Self {
        map.clone()
    }
}

/// One `name: value` a line.
impl fmt::Display for HeaderMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.iter() {
            writeln!(
                f,
                "{}: {}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value)
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for HeaderMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(k, v)| (String::from_utf8_lossy(k), String::from_utf8_lossy(v))),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_case_insensitive_and_duplicates_stay() {
        let mut map = HeaderMap::from([("Accept", "a"), ("x", "1"), ("ACCEPT", "b")]);
        assert_eq!(map.get("accept"), Some(b"a".as_slice()));
        assert_eq!(map.get_all("Accept"), [b"a", b"b"]);
        map.set("accept", "c");
        assert_eq!(map.to_string(), "x: 1\naccept: c\n");
        assert_eq!(map.byte_size(), 9);
    }

    #[test]
    fn pseudo_headers_stand_first() {
        let mut map = HeaderMap::from([("x", "1")]);
        map.add(":path", "/");
        map.add(":method", "GET");
        assert_eq!(map.to_string(), ":path: /\n:method: GET\nx: 1\n");
    }
}
