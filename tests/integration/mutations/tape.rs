//! Decisions read from bytes. Whoever asks past the end gets the plainest choice, the first, so a shorter tape makes a
//! plainer case: that is how proptest shrinks one.

/// What is left of the bytes.
pub(super) struct Tape<'t>(&'t [u8]);

impl<'t> Tape<'t> {
    pub(super) const fn new(bytes: &'t [u8]) -> Self {
        Self(bytes)
    }

    /// A number below `count`, which is at least 1.
    pub(super) fn below(&mut self, count: usize) -> usize {
        let bytes = if count > 256 { 3 } else { 1 };
        let number = (0..bytes).fold(0, |number, _| number << 8 | usize::from(self.byte()));
        number % count
    }

    /// True for one in so many, and not at the end.
    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    pub(super) fn pick<'c, T: ?Sized>(&mut self, choices: &[&'c T]) -> &'c T {
        choices[self.below(choices.len())]
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }
}
