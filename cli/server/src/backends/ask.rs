//! Questions to backends, which may take as long as they like, or hang. Each is asked by one thread
//! at a time; whoever else wants to know meanwhile waits for the same answer, and nobody for longer
//! than the question's patience.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::answer::Refusal;

/// Something that can be asked, and what was answered last.
pub(super) struct Question<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// For so long an answer is believed.
    fresh: Duration,
    /// For so long it is waited for, counted from when it was asked for.
    patience: Duration,
    state: Mutex<State<T>>,
    answered: Condvar,
}

struct State<T> {
    /// Since when somebody asks.
    asking: Option<Instant>,
    /// When it was answered, and what.
    answer: Option<(Instant, Result<T, Refusal>)>,
}

impl<T: Clone + Send + 'static> Question<T> {
    pub(super) fn new(fresh: Duration, patience: Duration) -> Self {
        let state = Mutex::new(State { asking: None, answer: None });
        Self(Arc::new(Shared { fresh, patience, state, answered: Condvar::new() }))
    }

    /// The answer, asked for in a thread of its own unless it is known or being asked for.
    ///
    /// # Errors
    /// What was answered; 504 if `whom` does not answer in time, 503 if nobody can ask now.
    pub(super) fn ask(
        &self,
        whom: &str,
        ask: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let shared = &*self.0;
        let mut state = shared.state();
        if let Some((when, answer)) = &state.answer
            && when.elapsed() < shared.fresh
        {
            return answer.clone();
        }
        let since = match state.asking {
            Some(since) => since,
            None => {
                let now = Instant::now();
                state.asking = Some(now);
                drop(state);
                let asker = Asker { shared: Arc::clone(&self.0), answer: None };
                let thread = thread::Builder::new().name("ketch asker".to_owned());
                // Without a thread the asker goes, and says so as it does.
                let _ = thread.spawn(move || asker.ask(ask));
                state = shared.state();
                now
            }
        };
        loop {
            if let Some((when, answer)) = &state.answer
                && *when >= since
            {
                return answer.clone();
            }
            let left = shared.patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                let message =
                    format!("`{whom}` has not answered for {} s", since.elapsed().as_secs());
                return Err(Refusal::new(504, "backend.silent", message)
                    .with_solution("try again later, or ask who runs the server"));
            }
            let waited = shared.answered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who asks. Whatever happens to it, those who wait hear of it.
struct Asker<T> {
    shared: Arc<Shared<T>>,
    answer: Option<Result<T, Refusal>>,
}

impl<T> Asker<T> {
    fn ask(mut self, ask: impl FnOnce() -> Result<T, Refusal>) {
        self.answer = Some(ask());
    }
}

impl<T> Drop for Asker<T> {
    fn drop(&mut self) {
        let unavailable = || {
            let why = "the backend cannot be asked: its provider panicked, or no thread is left";
            Err(Refusal::new(503, "backend.unavailable", why))
        };
        let answer = self.answer.take().unwrap_or_else(unavailable);
        let mut state = self.shared.state();
        state.asking = None;
        state.answer = Some((Instant::now(), answer));
        self.shared.answered.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn many_who_ask_hear_one_answer() {
        let question = Question::new(LONG, LONG);
        let (asked, (open, gate)) = (Arc::new(AtomicU32::new(0)), mpsc::channel::<()>());
        let gate = Arc::new(Mutex::new(gate));
        thread::scope(|scope| {
            let asking: Vec<_> = (0..8)
                .map(|_| {
                    let (asked, gate) = (Arc::clone(&asked), Arc::clone(&gate));
                    let question = &question;
                    scope.spawn(move || {
                        question.ask("lab", move || {
                            gate.lock().unwrap().recv().unwrap();
                            Ok(asked.fetch_add(1, Ordering::Relaxed))
                        })
                    })
                })
                .collect();
            open.send(()).unwrap();
            for one in asking {
                assert_eq!(one.join().unwrap(), Ok(0));
            }
        });
        // As long as it is fresh, nobody is asked again.
        assert_eq!(question.ask("lab", || unreachable!("the answer is known")), Ok(0));
    }

    #[test]
    fn nobody_waits_for_one_who_hangs_and_no_second_thread_asks() {
        let question = Question::new(LONG, Duration::from_millis(50));
        let (open, gate) = mpsc::channel::<u32>();
        let hangs = move || Ok(gate.recv().unwrap());
        let refused = question.ask("lab", hangs).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (504, "backend.silent"));
        assert!(refused.message.contains("`lab`"), "{refused:?}");
        for _ in 0..100 {
            let again = question.ask("lab", || unreachable!("somebody asks already"));
            assert_eq!(again.unwrap_err().status, 504);
        }
        // What comes late is an answer as well.
        open.send(7).unwrap();
        let late = loop {
            match question.ask("lab", || unreachable!("somebody asks already")) {
                Err(refusal) if refusal.status == 504 => thread::yield_now(),
                answer => break answer,
            }
        };
        assert_eq!(late, Ok(7));
    }

    #[test]
    fn stale_answers_are_asked_for_again_and_refusals_are_answers() {
        let question = Question::<u32>::new(Duration::ZERO, LONG);
        assert_eq!(question.ask("lab", || Ok(1)), Ok(1));
        let no = Refusal::new(400, "no", "no");
        let refuse = no.clone();
        assert_eq!(question.ask("lab", move || Err(refuse)), Err(no));
        assert_eq!(question.ask("lab", || Ok(2)), Ok(2));
        let panicked = question.ask("lab", || panic!("a plugin that panics")).unwrap_err();
        assert_eq!(panicked.status, 503);
    }
}
