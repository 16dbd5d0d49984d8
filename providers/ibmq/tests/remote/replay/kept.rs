//! A service that keeps the jobs it takes on disk, and fails when it is told to.

use std::{fs, io, path::PathBuf, process};

use serde_json::{Value, json};

use super::{Received, Reply, Service, ibm::Ibm, quantum_experience::QuantumExperience};

/// Both generations, told apart by the path.
///
/// A job is a file `taken-N.json` in the directory before it is answered for, so that it outlives
/// the server. A file `fault` there is the next submission's, which takes it away:
///
/// | word | what happens |
/// | --- | --- |
/// | `unheard` | the connection closes, and the job is not taken |
/// | `unheard-503` | the answer is 503, and the job is not taken |
/// | `lost` | the job is taken, and the connection closes without an answer |
/// | `lost-502` | the job is taken, and the answer is 502 |
/// | `silent` | the job is taken, and no answer comes |
/// | `dead` | the job is taken, and the server ends |
pub(crate) struct Both {
    pub(crate) today: Ibm,
    pub(crate) early: QuantumExperience,
    /// Without one, nothing is kept and nothing fails.
    pub(crate) directory: Option<PathBuf>,
}

impl Both {
    /// Takes the jobs again that were taken before.
    pub(crate) fn remember(&self) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        for number in 1.. {
            let Ok(text) = fs::read_to_string(directory.join(format!("taken-{number}.json")))
            else {
                break;
            };
            let kept: Value = serde_json::from_str(&text)?;
            self.take(kept["is_early"] == true, &kept["body"]);
        }
        Ok(())
    }

    fn take(&self, is_early: bool, body: &Value) -> Reply {
        if is_early { self.early.take(body) } else { self.today.take(body) }
    }

    fn fault(&self) -> Option<String> {
        let file = self.directory.as_ref()?.join("fault");
        let fault = fs::read_to_string(&file).ok()?;
        // Whoever takes the file away has the fault.
        fs::remove_file(file).ok().map(|()| fault)
    }

    fn keep(&self, kept: &Value) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let unfinished = directory.join("unfinished");
        fs::write(&unfinished, kept.to_string())?;
        let taken = |number: &u32| directory.join(format!("taken-{number}.json")).exists();
        let number = (1..).find(|number| !taken(number)).unwrap_or_default();
        fs::rename(unfinished, directory.join(format!("taken-{number}.json")))
    }
}

impl Service for Both {
    fn reply(&self, question: &Received) -> Reply {
        let early = question.path.starts_with("/api/") && !question.path.starts_with("/api/v1/");
        let reply = |question| match early {
            true => self.early.reply(question),
            false => self.today.reply(question),
        };
        if !["POST /api/v1/jobs", "POST /api/Jobs"].contains(&question.route().as_str()) {
            return reply(question);
        }
        let fault = self.fault();
        let fault = fault.as_deref();
        match fault {
            Some("unheard") => return Reply::HangUp,
            Some("unheard-503") => return Reply::text(503, ""),
            _ => {}
        }
        let answer = reply(question);
        if !matches!(answer, Reply::Answer { status: 200, .. }) {
            return answer;
        }
        if self.keep(&json!({"is_early": early, "body": question.json()})).is_err() {
            return Reply::text(500, "cannot keep the job");
        }
        match fault {
            Some("lost") => Reply::HangUp,
            Some("lost-502") => Reply::text(502, ""),
            Some("silent") => Reply::Hang,
            Some("dead") => process::exit(0),
            _ => answer,
        }
    }
}
