//! What one user may have, held against what they have and ask for.

use ketch::Qobj;

use crate::{Service, answer::Refusal, usage};

/// # Errors
/// If a job is more than one may be.
pub(crate) fn check_size(service: &Service, qobj: &Qobj) -> Result<(), Refusal> {
    let quotas = service.quotas;
    let widest = qobj.circuits().iter().map(ketch::Circuit::n_qubits).max().unwrap_or(0);
    if let Some(most) = quotas.qubits.filter(|&most| widest > most) {
        return Err(over(
            400,
            format!("a circuit of {widest} qubits; at most {most} are taken here"),
        ));
    }
    let shots = qobj.experiments().iter().map(|experiment| qobj.shots(experiment));
    let shots = shots.fold(0_u64, u64::saturating_add);
    match quotas.shots.filter(|&most| shots > most) {
        Some(most) => {
            Err(over(400, format!("{shots} shots in one job; at most {most} are taken here")))
        }
        None => Ok(()),
    }
}

/// # Errors
/// If the user has as many sessions already as one may have.
pub(crate) fn check_sessions(service: &Service, user: &str) -> Result<(), Refusal> {
    let Some(most) = service.quotas.sessions else { return Ok(()) };
    let open = service.store.open_sessions_of(user)?;
    if open < most {
        return Ok(());
    }
    let message = format!("{open} sessions of yours are open; at most {most} may be");
    Err(over(429, message).with_solution("close some, or wait until their `max_ttl` is over"))
}

/// # Errors
/// If the user has as many jobs already as one may have, or has used up the time.
pub(crate) fn check_user(service: &Service, user: &str) -> Result<(), Refusal> {
    if let Some(most) = service.quotas.pending {
        let pending = service.reading.pending_of(user)?;
        if pending >= most {
            let message = format!("{pending} jobs of yours wait or run; at most {most} may");
            return Err(over(429, message).with_solution("send more when some are done"));
        }
    }
    if let Some(most) = service.quotas.seconds {
        let used = usage::of(service, user)?.seconds;
        if used >= most as f64 {
            let message =
                format!("your jobs ran for {used:.0} s in the last four weeks; {most} s are yours");
            return Err(over(403, message));
        }
    }
    Ok(())
}

fn over(status: u16, message: String) -> Refusal {
    Refusal::new(status, "quota.exceeded", message)
}
