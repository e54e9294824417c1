//! Which part of the heap may be made of huge pages, and how long it keeps what is free.
//!
//! Large request and reply bodies cost less on huge pages, but an idle process touches a few KiB in each of many
//! places, and would hold 2 MiB for each. mimalloc can only advise all of its arena or nothing (feature `no_thp`:
//! nothing), and takes the lowest free memory first; so the low end stays on small pages and the rest is advised.
//! The arena is 1 GiB, more than bodies may take together; a second one, if there ever is one, has small pages.

use std::ffi::{c_int, c_long};
use std::fs;
use std::io;
use std::ops::Range;

/// The low end of the arena, which holds all that an idle server with 2 workers touches (6 MiB), in bytes.
const SMALL_PAGES_BYTES: usize = 8 << 20;

/// Advises the system where huge pages pay; called once, before the heap grows. Best effort: without `/proc`, or
/// where the kernel has no huge pages, all stays as it is.
pub(crate) fn advise_huge_pages() {
    // The text lies on the heap itself, and so tells where that is.
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    if let Some(arena) = mapping_around(&maps, maps.as_ptr().addr())
        && let Some((low, rest)) = parts_of(&arena)
    {
        // Where every mapping gets huge pages unasked, the low end must be exempted.
        let _ = advise(low, HugePages::Never).and_then(|()| advise(rest, HugePages::Welcome));
    }
}

/// How long free memory is kept before it is given back to the system. By the allocator's own second, a server under
/// steady load gives back what it needs again, and touches some hundred fresh pages a second.
const PURGE_DELAY_MS: c_long = 60_000;

/// `mi_option_purge_delay`, which the crate has no name for.
const PURGE_DELAY: c_int = 15;

/// Has free memory kept for a while; called once, before the heap grows.
pub(crate) fn delay_purges() {
    // SAFETY: sets a number that the allocator reads when it frees; it is one of its options, whatever the number says.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
    }
}

/// The two advices that are given; no other may reach [`advise`].
#[derive(Clone, Copy)]
#[repr(i32)]
enum HugePages {
    Never = libc::MADV_NOHUGEPAGE,
    Welcome = libc::MADV_HUGEPAGE,
}

/// The low end and the rest, unless there is no rest.
fn parts_of(arena: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let cut = arena.start.checked_add(SMALL_PAGES_BYTES).filter(|cut| *cut < arena.end)?;
    Some((arena.start..cut, cut..arena.end))
}

/// The addresses of the mapping that contains `address`, by the text of `/proc/self/maps`.
fn mapping_around(maps: &str, address: usize) -> Option<Range<usize>> {
    maps.lines().filter_map(range_of).find(|range| range.contains(&address))
}

/// What a line begins with: `START-END `, in hexadecimal.
fn range_of(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

/// Tells the system `about` page-aligned `addresses`.
#[allow(unsafe_code)]
fn advise(addresses: Range<usize>, about: HugePages) -> io::Result<()> {
    let start = std::ptr::without_provenance_mut(addresses.start);
    // SAFETY: both values of `about` concern only the size of the pages behind the addresses: nothing is unmapped and
    // no byte changes, whatever is there and whoever uses it. Addresses that are not mapped get an error. No safe
    // interface reaches the allocator's memory.
    let answer = unsafe { libc::madvise(start, addresses.len(), about as i32) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str =
        "5a4000-5a6000 r-xp 00000000 fe:00 7 /bin/x\n7f0000000000-7f0040000000 rw-p 00000000 00:00 0 \n";

    /// Protects: the mapping is the one around the address, its end not included, in the form of Linux.
    #[test]
    fn the_mapping_around_an_address_is_found() {
        let arena = 0x7f00_0000_0000..0x7f00_4000_0000;
        assert_eq!(mapping_around(MAPS, arena.start), Some(arena.clone()));
        assert_eq!(mapping_around(MAPS, arena.end - 1), Some(arena.clone()));
        assert_eq!(mapping_around(MAPS, arena.end), None);
        assert_eq!(mapping_around("no map\n1-\n", 1), None);
        let (low, rest) = parts_of(&arena).unwrap();
        assert_eq!((low.start, low.len(), rest.start, rest.end), (arena.start, 8 << 20, low.end, arena.end));
        assert_eq!(parts_of(&(0x1000..0x1000 + SMALL_PAGES_BYTES)), None);
    }

    /// Protects: the low end of the allocator's own arena is exempt from huge pages, and the rest is advised.
    #[test]
    fn the_heap_is_advised() {
        if !fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
            return;
        }
        let on_heap = Box::new(0_u8);
        let before = fs::read_to_string("/proc/self/maps").unwrap();
        let arena = mapping_around(&before, std::ptr::from_ref(&*on_heap).addr()).unwrap();
        advise_huge_pages();
        let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
        let (low, _) = parts_of(&arena).unwrap();
        assert!(flags_at(&smaps, low.start).contains(" nh"), "{}", flags_at(&smaps, low.start));
        assert!(flags_at(&smaps, low.end).contains(" hg"), "{}", flags_at(&smaps, low.end));
    }

    /// Protects: the option is the one that is meant. No other has the number that the allocator begins with, and with
    /// another version it may stand elsewhere.
    #[test]
    fn the_option_is_the_delay_of_purges() {
        // SAFETY: reads a number.
        #[allow(unsafe_code)]
        let get = |option| unsafe { libmimalloc_sys::mi_option_get(option) };
        assert_eq!(get(PURGE_DELAY), 1_000);
        delay_purges();
        assert_eq!(get(PURGE_DELAY), PURGE_DELAY_MS);
    }

    /// What the system says of the mapping that begins at `address`.
    fn flags_at(smaps: &str, address: usize) -> &str {
        let mut lines =
            smaps.lines().skip_while(|line| range_of(line).is_none_or(|range| range.start != address));
        lines.find(|line| line.starts_with("VmFlags:")).unwrap()
    }
}
