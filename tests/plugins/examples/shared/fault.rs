//! What can go wrong, by name.

#![expect(unsafe_code, reason = "what safe code cannot do wrong")]
#![expect(clippy::panic, reason = "what these plugins are for")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "plugins that print")]

use std::{
    hint::black_box,
    io::Write,
    os::fd::BorrowedFd,
    process::{Command, abort, exit},
    thread,
    time::Duration,
};

use rustix::{
    fs::MemfdFlags,
    mm::{MapFlags, ProtFlags},
    process::{Signal, kill_current_process_group, kill_process},
};

/// Does what the name says. A name that says nothing does nothing.
pub(crate) fn commit(fault: &str) {
    match fault {
        "panic" => panic!("the plugin panicked"),
        "unspeakable-panic" => std::panic::panic_any(Bomb),
        "double-panic" => {
            let _bomb = Bomb;
            panic!("the first of two");
        }
        "abort" => abort(),
        "segfault" => {
            let nowhere = black_box(std::ptr::dangling_mut::<u64>());
            // SAFETY: none: it is not a place to write to, and the process ends here.
            unsafe { nowhere.write_volatile(1) }
        }
        "overflow" => {
            black_box(deeper(1));
        }
        "exit" => exit(3),
        "exit-well" => exit(0),
        "hang" => loop {
            thread::park();
        },
        "spin" => loop {
            std::hint::spin_loop();
        },
        "eat-memory" => {
            let mut eaten = Vec::new();
            loop {
                eaten.push(vec![1_u8; 16 << 20]);
                black_box(&eaten);
            }
        }
        "ask-for-too-much" => drop(black_box(vec![1_u8; 1 << 46])),
        "eat-descriptors" => {
            let mut eaten = Vec::new();
            while let Ok(file) = std::fs::File::open("/dev/null") {
                eaten.push(file);
            }
            black_box(eaten.len());
            panic!("no descriptor is left");
        }
        "many-threads" => {
            for _ in 0..200 {
                // Where the system refuses more, these are many enough.
                let _ = thread::Builder::new().stack_size(16 << 10).spawn(thread::park);
            }
        }
        "flood-stdout" => flood(|text| print!("{text}")),
        "flood-stderr" => flood(|text| eprint!("{text}")),
        "print-one-line" => print!("{}", "no end of line ".repeat(1 << 16)),
        "print-bytes" => {
            drop(std::io::stdout().write_all(&[0xff, 0, 0x1b, b'[', b'2', b'J', b'\n']))
        }
        "last-words" => {
            eprintln!("the fridge is warm");
            abort();
        }
        "terminate" => deadly(Signal::TERM),
        "interrupt" => deadly(Signal::INT),
        "kill" => deadly(Signal::KILL),
        "stop" => signal(Signal::STOP),
        "divide" => deadly(Signal::FPE),
        "illegal" => deadly(Signal::ILL),
        "read-beyond-a-file" => {
            black_box(read_beyond_a_file());
        }
        "break-pipe" => signal(Signal::PIPE),
        "alarm" => deadly(Signal::ALARM),
        "kill-group" => drop(kill_current_process_group(Signal::TERM)),
        "leave-child" => {
            // It keeps what this process had open.
            drop(Command::new("sleep").arg("600").spawn());
            exit(0);
        }
        "leave-flood" => {
            drop(Command::new("yes").arg("so much to say").spawn());
            exit(0);
        }
        "close-all" => (0..256).for_each(|number| {
            // SAFETY: none: they belong to others, which is the point.
            unsafe { rustix::io::close(number) }
        }),
        "write-to-all" => (3..64).for_each(|number| {
            // SAFETY: whether it is open or not, it is only written to, and that may fail.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            let _ =
                rustix::io::write(descriptor, b"\xff\xff\xff\xff\xff\xff\xff\xffgarbage, garbage");
        }),
        "leave-directory" => drop(std::env::set_current_dir("/")),
        "die-later" => {
            thread::spawn(|| {
                thread::sleep(Duration::from_millis(50));
                abort();
            });
        }
        "panic-later" => {
            thread::spawn(|| panic!("on a thread of its own"));
        }
        _ => {}
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

fn flood(print: fn(&str)) {
    let line = "so much to say ".repeat(20) + "\n";
    (0..(4 << 20) / line.len()).for_each(|_| print(&line));
}

/// A signal to a process is taken by any of its threads, soon: this one waits for that.
fn deadly(which: Signal) {
    // What a shell runs in the background ignores Ctrl-C, and so would this.
    // SAFETY: no handler of this process is relied on by anybody once it is to die.
    unsafe { libc::signal(which.as_raw(), libc::SIG_DFL) };
    signal(which);
    loop {
        thread::park();
    }
}

fn signal(signal: Signal) {
    let sent = kill_process(rustix::process::getpid(), signal);
    sent.expect("a process may send signals to itself");
}

/// What a truncated file does to whoever has mapped it.
fn read_beyond_a_file() -> u8 {
    let file = rustix::fs::memfd_create("empty", MemfdFlags::CLOEXEC).expect("memory for a file");
    let (at, flags) = (std::ptr::null_mut(), MapFlags::SHARED);
    // SAFETY: a mapping at a place of the system's choice touches no other memory.
    let mapped = unsafe { rustix::mm::mmap(at, 4096, ProtFlags::READ, flags, &file, 0) };
    let mapped = mapped.expect("a page of address space").cast::<u8>();
    // SAFETY: none: the file has no such byte, and the process ends here.
    unsafe { mapped.read_volatile() }
}

/// A recursion that the compiler cannot turn into a loop, and that has no end.
fn deeper(depth: u64) -> u64 {
    let here = black_box([depth; 64]);
    if here[0] == 0 {
        return 0;
    }
    deeper(here[7] + 1) + here[3]
}
