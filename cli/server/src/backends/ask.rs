//! Questions to backends, which may take as long as they like, or hang. Each is asked by one thread
//! at a time; whoever else wants to know meanwhile waits for the same answer, and nobody for longer
//! than the question's patience: then it is what it was when somebody asked last, for a while.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::answer::Refusal;

/// Something that can be asked, and what was answered last.
pub(super) struct Question<T>(Arc<Shared<T>>);

/// For so long it is believed that something cannot be answered now, but perhaps in a moment.
const PASSING: Duration = Duration::from_secs(1);

/// For how long something is good.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// An answer is believed.
    pub(super) fresh: Duration,
    /// It is waited for, counted from when it was asked for.
    pub(super) patience: Duration,
    /// While it is asked for again, counted likewise, the one before stands for it when patience is
    /// at its end.
    pub(super) standing: Duration,
}

struct Shared<T> {
    times: Times,
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
    pub(super) fn new(times: Times) -> Self {
        let state = Mutex::new(State { asking: None, answer: None });
        Self(Arc::new(Shared { times, state, answered: Condvar::new() }))
    }

    /// Asks as [`ask`](Self::ask) does, and waits for nothing.
    pub(super) fn begin(&self, ask: impl FnOnce() -> Result<T, Refusal> + Send + 'static) {
        let mut state = self.0.state();
        if state.asking.is_some() || state.is_fresh(self.0.times.fresh) {
            return;
        }
        state.asking = Some(Instant::now());
        drop(state);
        let asker = Asker { shared: Arc::clone(&self.0), answer: None };
        let thread = thread::Builder::new().name("ketch asker".to_owned());
        // Without a thread the asker goes, and says so as it does.
        let _ = thread.spawn(move || asker.ask(ask));
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
        self.begin(ask);
        let Times { patience, standing, .. } = self.0.times;
        let mut state = self.0.state();
        let since = state.asking;
        loop {
            if let Some((when, answer)) = &state.answer
                && since.is_none_or(|since| *when >= since)
            {
                return answer.clone();
            }
            let asked = since.map_or(patience, |since| since.elapsed());
            let left = patience.saturating_sub(asked);
            if left.is_zero() {
                if let Some((_, Ok(answer))) = &state.answer
                    && asked < standing
                {
                    return Ok(answer.clone());
                }
                let message = format!("`{whom}` has not answered for {} s", asked.as_secs());
                return Err(Refusal::new(504, "backend.silent", message)
                    .with_solution("try again later, or ask who runs the server"));
            }
            let waited = self.0.answered.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> State<T> {
    /// Whether the answer is believed still.
    fn is_fresh(&self, fresh: Duration) -> bool {
        self.answer.as_ref().is_some_and(|(when, answer)| {
            let is_passing = answer.as_ref().is_err_and(|refusal| refusal.status >= 500);
            when.elapsed() < if is_passing { fresh.min(PASSING) } else { fresh }
        })
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
        let before = state.answer.replace((Instant::now(), answer));
        drop(state);
        self.shared.answered.notify_all();
        // It may be the last that is left of a backend, which takes its time to go: nobody waits for it.
        drop(before);
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
    const SHORT: Duration = Duration::from_millis(50);

    fn times(fresh: Duration, patience: Duration) -> Times {
        Times { fresh, patience, standing: Duration::ZERO }
    }

    #[test]
    fn many_who_ask_hear_one_answer() {
        let question = Question::new(times(LONG, LONG));
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
        let question = Question::new(times(LONG, SHORT));
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
        let question = Question::<u32>::new(times(Duration::ZERO, LONG));
        assert_eq!(question.ask("lab", || Ok(1)), Ok(1));
        let no = Refusal::new(400, "no", "no");
        let refuse = no.clone();
        assert_eq!(question.ask("lab", move || Err(refuse)), Err(no));
        assert_eq!(question.ask("lab", || Ok(2)), Ok(2));
        let panicked = question.ask("lab", || panic!("a plugin that panics")).unwrap_err();
        assert_eq!(panicked.status, 503);
    }

    #[test]
    fn the_answer_before_stands_for_one_that_is_late() {
        let times = Times { standing: LONG, ..times(Duration::ZERO, SHORT) };
        let question = Question::new(times);
        // Here as well, with no answer before.
        let (open, gate) = mpsc::channel::<u32>();
        let late = move || Ok(gate.recv().unwrap());
        assert_eq!(question.ask("lab", late).unwrap_err().status, 504);
        open.send(1).unwrap();
        while question.0.state().asking.is_some() {
            thread::yield_now();
        }
        let (open, gate) = mpsc::channel::<u32>();
        let late = move || Ok(gate.recv().unwrap());
        assert_eq!(question.ask("lab", late), Ok(1));
        assert_eq!(question.ask("lab", || unreachable!("somebody asks already")), Ok(1));
        open.send(2).unwrap();
        while question.0.state().asking.is_some() {
            thread::yield_now();
        }
        assert_eq!(question.ask("lab", || Ok(3)), Ok(3));
    }

    #[test]
    fn several_are_asked_at_once() {
        let [one, other] = [(); 2].map(|()| Question::new(times(LONG, LONG)));
        let (open, gate) = mpsc::channel::<u32>();
        one.begin(move || Ok(gate.recv().unwrap()));
        other.begin(move || Ok(open.send(7).map_or(0, |()| 8)));
        assert_eq!(one.ask("one", || unreachable!("somebody asks already")), Ok(7));
        assert_eq!(other.ask("other", || unreachable!("somebody asks already")), Ok(8));
    }

    #[test]
    fn what_passes_is_not_believed_for_long() {
        let question = Question::<u32>::new(times(LONG, LONG));
        let passing = Refusal::new(503, "busy", "busy");
        let refuse = passing.clone();
        assert_eq!(question.ask("lab", move || Err(refuse)), Err(passing));
        let (begun, lasting) = (Instant::now(), Refusal::new(404, "gone", "gone"));
        while question.ask("lab", {
            let no = lasting.clone();
            move || Err(no)
        }) != Err(lasting.clone())
        {
            assert!(begun.elapsed() < LONG / 10, "it is believed still");
            thread::yield_now();
        }
        // What will be the same the next time is believed as any answer.
        let known = question.ask("lab", || unreachable!("the answer is known"));
        assert_eq!(known, Err(lasting));
    }

    /// The last that is left of a backend that does not go before it may.
    struct Slow(Mutex<mpsc::Receiver<()>>, mpsc::Sender<bool>);

    impl Drop for Slow {
        fn drop(&mut self) {
            let may = self.0.get_mut().unwrap().recv_timeout(LONG / 20).is_ok();
            self.1.send(may).unwrap();
        }
    }

    #[test]
    fn nobody_waits_for_an_answer_to_go() {
        let question = Question::<Option<Arc<Slow>>>::new(times(Duration::ZERO, LONG));
        let ((go, may_go), (gone, went)) = (mpsc::channel(), mpsc::channel());
        let slow = Slow(Mutex::new(may_go), gone);
        assert!(question.ask("lab", move || Ok(Some(Arc::new(slow)))).unwrap().is_some());
        assert!(question.ask("lab", || Ok(None)).unwrap().is_none());
        go.send(()).unwrap();
        assert!(went.recv().unwrap(), "the second answer waited for the first to go");
    }
}
