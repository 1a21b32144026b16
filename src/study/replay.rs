//! Replays the operations of a journal into studies and trials, by the rules of Optuna.

use super::distribution::{decode, space_from_json};
use super::operations::{
    CreateStudy, CreateTrial, Object, Operation, SetStudyUserAttr, SetTrialParam,
    SetTrialStateValues, State,
};
use super::record::{Finished, Outcome, StudyRecord, Trial};
use crate::search::space::{Space, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Study attribute that holds the space; it marks the study that this program reads.
pub(super) const SPACE_KEY: &str = "spikeseek_space";
/// Trial attribute that holds the [`Outcome`].
pub(super) const OUTCOME_KEY: &str = "outcome";
/// User attribute of a trial: what the sampler noted with its proposal.
pub(super) const PROPOSAL_KEY: &str = "proposal";
/// System attribute under which Optuna looks for constraint values.
pub(super) const CONSTRAINTS_KEY: &str = "constraints";

/// An operation that cannot be: what a journal holds at that place, and what stands there.
#[derive(Debug)]
pub(super) struct Fault {
    pub expected: String,
    pub found: String,
}

fn fault(expected: impl Into<String>, found: impl Into<String>) -> Fault {
    Fault { expected: expected.into(), found: found.into() }
}

/// The journal's content so far.
#[derive(Default)]
pub(super) struct Replay {
    /// By study id.
    studies: Vec<Study>,
    /// By trial id: its number, where it belongs to our study.
    trials: Vec<Option<usize>>,
    /// Our study: the first one with a space.
    ours: Option<Ours>,
}

struct Study {
    name: String,
    attributes: BTreeMap<String, Json>,
    trials: usize,
    deleted: bool,
}

struct Ours {
    study_id: usize,
    space: Space,
    /// By trial number.
    trials: Vec<Draft>,
}

/// A trial of our study, as far as it is known.
struct Draft {
    id: u64,
    /// Line that created it.
    line: u64,
    state: State,
    /// In the order of the space; None where not set.
    point: Vec<Option<Value>>,
    value: Option<f64>,
    started: Option<String>,
    ended: Option<String>,
    intermediate: BTreeMap<u64, f64>,
    attributes: BTreeMap<String, Json>,
    constraints: Vec<f64>,
}

impl Replay {
    /// Id of our study in the file.
    pub(super) fn study_id(&self) -> Option<u64> {
        self.ours.as_ref().map(|ours| ours.study_id as u64)
    }

    /// The space of our study.
    pub(super) fn space(&self) -> Option<&Space> {
        self.ours.as_ref().map(|ours| &ours.space)
    }

    /// Number of trials that our study has.
    pub(super) fn trial_count(&self) -> u64 {
        self.ours.as_ref().map_or(0, |ours| ours.trials.len() as u64)
    }

    /// Optuna's id of a trial of our study, and whether it has finished.
    pub(super) fn trial(&self, number: u64) -> Option<(u64, bool)> {
        let index = usize::try_from(number).ok()?;
        let draft = self.ours.as_ref()?.trials.get(index)?;
        Some((draft.id, draft.state.is_finished()))
    }

    /// Whether the trial has just this point.
    pub(super) fn has_point(&self, number: u64, point: &[Value]) -> bool {
        let draft = usize::try_from(number)
            .ok()
            .and_then(|index| self.ours.as_ref().and_then(|ours| ours.trials.get(index)));
        draft.is_some_and(|draft| {
            draft.point.len() == point.len()
                && draft.point.iter().zip(point).all(|(a, b)| a.as_ref() == Some(b))
        })
    }

    /// Applies the operation of one line, counted from 1. Like Optuna it skips what other programs
    /// wrote about studies and trials that do not exist; from ours (`own`) that is a fault, because
    /// then a line is missing.
    pub(super) fn apply(
        &mut self,
        line: u64,
        own: bool,
        operation: Operation,
    ) -> Result<(), Fault> {
        match operation {
            Operation::CreateStudy(fields) => self.create_study(fields),
            Operation::DeleteStudy(fields) => {
                if let Some(study) = self.study(own, fields.study_id)? {
                    self.studies[study].deleted = true;
                }
            }
            Operation::SetStudyUserAttr(fields) => self.set_study_attributes(own, fields)?,
            Operation::CreateTrial(fields) => self.create_trial(line, own, *fields)?,
            Operation::SetTrialParam(fields) => {
                self.set_param(own, fields)?;
            }
            Operation::SetTrialStateValues(fields) => {
                if let Some((draft, _)) = self.draft(own, fields.trial_id)? {
                    draft.set_state(fields)?;
                }
            }
            Operation::SetTrialIntermediateValue(fields) => {
                if let Some((draft, _)) = self.draft(own, fields.trial_id)? {
                    draft.intermediate.extend(fields.intermediate_value.map(|v| (fields.step, v)));
                }
            }
            Operation::SetTrialUserAttr(fields) => {
                if let Some((draft, _)) = self.draft(own, fields.trial_id)? {
                    draft.attributes.extend(fields.user_attr);
                }
            }
            Operation::SetTrialSystemAttr(fields) => {
                if let Some((draft, _)) = self.draft(own, fields.trial_id)? {
                    draft.set_system_attributes(&fields.system_attr)?;
                }
            }
            Operation::Other => {}
        }
        Ok(())
    }

    /// Our study as it stands. The error has the line where known.
    pub(super) fn record(&self) -> Result<StudyRecord, (Option<u64>, Fault)> {
        let Some(ours) = &self.ours else {
            let names: Vec<&str> = self.studies.iter().map(|study| study.name.as_str()).collect();
            return Err((
                None,
                fault(
                    format!(
                        "a study with the attribute `{SPACE_KEY}`, as spikeseek search makes it"
                    ),
                    if names.is_empty() {
                        "no study".to_string()
                    } else {
                        format!("only the studies {names:?} of other programs")
                    },
                ),
            ));
        };
        let study = &self.studies[ours.study_id];
        if study.deleted {
            let name = &study.name;
            return Err((
                None,
                fault(
                    "a study; put back a copy of the journal or begin another study",
                    format!("an operation that deletes the study `{name}`"),
                ),
            ));
        }
        let trials = ours.trials.iter().enumerate();
        Ok(StudyRecord {
            name: study.name.clone(),
            attributes: study
                .attributes
                .iter()
                .filter(|(key, _)| *key != SPACE_KEY)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            space: ours.space.clone(),
            trials: trials
                .map(|(number, draft)| {
                    draft.trial(number, &ours.space).map_err(|fault| (Some(draft.line), fault))
                })
                .collect::<Result<_, _>>()?,
        })
    }

    /// A second study of the same name is skipped, as Optuna does.
    fn create_study(&mut self, fields: CreateStudy) {
        let name = fields.study_name;
        if !self.studies.iter().any(|study| !study.deleted && study.name == name) {
            let attributes = BTreeMap::new();
            self.studies.push(Study { name, attributes, trials: 0, deleted: false });
        }
    }

    /// Index of a study that exists.
    fn study(&self, own: bool, id: u64) -> Result<Option<usize>, Fault> {
        let index = usize::try_from(id).ok();
        match index.and_then(|i| self.studies.get(i)) {
            Some(study) if !study.deleted => Ok(index),
            None if own => Err(missing("study", id, self.studies.len())),
            _ => Ok(None),
        }
    }

    fn set_study_attributes(&mut self, own: bool, fields: SetStudyUserAttr) -> Result<(), Fault> {
        let Some(study_id) = self.study(own, fields.study_id)? else { return Ok(()) };
        let study = &mut self.studies[study_id];
        if let Some(json) = fields.user_attr.get(SPACE_KEY) {
            let expected = format!("the space in `{SPACE_KEY}`");
            let space = space_from_json(json).map_err(|found| fault(&expected, found))?;
            match &self.ours {
                None if study.trials > 0 => {
                    return Err(fault(
                        format!("{expected} before the first trial"),
                        "trials first",
                    ));
                }
                None => self.ours = Some(Ours { study_id, space, trials: Vec::new() }),
                Some(ours) if ours.study_id == study_id && ours.space != space => {
                    return Err(fault(format!("{expected} once"), "a second, different space"));
                }
                Some(_) => {}
            }
        }
        study.attributes.extend(fields.user_attr);
        Ok(())
    }

    fn create_trial(&mut self, line: u64, own: bool, fields: CreateTrial) -> Result<(), Fault> {
        let Some(study_id) = self.study(own, fields.study_id)? else { return Ok(()) };
        self.studies[study_id].trials += 1;
        let id = self.trials.len() as u64;
        let Some(ours) = self.ours.as_mut().filter(|ours| ours.study_id == study_id) else {
            self.trials.push(None);
            return Ok(());
        };
        self.trials.push(Some(ours.trials.len()));
        let mut draft = Draft {
            id,
            line,
            state: State::Running,
            point: vec![None; ours.space.variables.len()],
            value: None,
            started: fields.datetime_start,
            ended: None,
            intermediate: BTreeMap::new(),
            attributes: fields.user_attrs.into_iter().collect(),
            constraints: Vec::new(),
        };
        for (name, stored) in &fields.params {
            draft.set_param(&ours.space, name, stored)?;
        }
        for (step, value) in fields.intermediate_values {
            draft.intermediate.extend(value.map(|v| (step, v)));
        }
        draft.set_system_attributes(&fields.system_attrs)?;
        draft.set_state(SetTrialStateValues {
            trial_id: id,
            state: fields.state,
            values: fields.values.or(fields.value.map(|v| vec![Some(v)])),
            datetime_complete: fields.datetime_complete,
        })?;
        ours.trials.push(draft);
        Ok(())
    }

    fn set_param(&mut self, own: bool, fields: SetTrialParam) -> Result<(), Fault> {
        let Some((draft, space)) = self.draft(own, fields.trial_id)? else { return Ok(()) };
        draft.set_param(space, &fields.param_name, &fields.param_value_internal)
    }

    /// The trial with an id, where it is ours and may still be changed.
    fn draft(&mut self, own: bool, id: u64) -> Result<Option<(&mut Draft, &Space)>, Fault> {
        let known = usize::try_from(id).ok().and_then(|index| self.trials.get(index));
        let Some(number) = known else {
            return if own { Err(missing("trial", id, self.trials.len())) } else { Ok(None) };
        };
        let (Some(number), Some(ours)) = (*number, &mut self.ours) else { return Ok(None) };
        let Ours { trials, space, .. } = ours;
        Ok(trials.get_mut(number).filter(|d| !d.state.is_finished()).map(|draft| (draft, &*space)))
    }
}

fn missing(what: &str, id: u64, count: usize) -> Fault {
    fault(
        format!("the {what} with id {id} to be created by an earlier line"),
        format!("only {count} created; a line was lost: put back a copy of the journal"),
    )
}

impl Draft {
    fn set_param(&mut self, space: &Space, name: &str, stored: &Json) -> Result<(), Fault> {
        let Some(index) = space.variables.iter().position(|v| v.name == name) else {
            return Ok(());
        };
        let domain = &space.variables[index].domain;
        let value = decode(domain, stored).ok_or_else(|| {
            fault(format!("a value of `{name}` in {domain:?}"), format!("{stored}"))
        })?;
        self.point[index] = Some(value);
        Ok(())
    }

    fn set_system_attributes(&mut self, attributes: &Object) -> Result<(), Fault> {
        let Some(stored) = attributes.get(CONSTRAINTS_KEY) else { return Ok(()) };
        let numbers = stored.as_array().and_then(|list| list.iter().map(Json::as_f64).collect());
        self.constraints = numbers.ok_or_else(|| {
            fault(format!("a list of numbers in `{CONSTRAINTS_KEY}`"), format!("{stored}"))
        })?;
        Ok(())
    }

    fn set_state(&mut self, fields: SetTrialStateValues) -> Result<(), Fault> {
        self.state = fields.state;
        if self.state.is_finished() {
            self.ended = fields.datetime_complete;
        }
        if self.state == State::Complete {
            let [Some(value)] = fields.values.as_deref().unwrap_or_default() else {
                let found = format!("{:?}", fields.values);
                return Err(fault("one value of a trial that completed", found));
            };
            self.value = Some(*value);
        }
        Ok(())
    }

    fn trial(&self, number: usize, space: &Space) -> Result<Trial, Fault> {
        let mut point = Vec::with_capacity(self.point.len());
        for (value, variable) in self.point.iter().zip(&space.variables) {
            point.push(value.ok_or_else(|| {
                fault(
                    format!("a value of `{}` for trial {number}", variable.name),
                    "none; another program made this trial: put back a copy of the journal",
                )
            })?);
        }
        Ok(Trial {
            number: number as u64,
            point,
            proposal: self.proposal(),
            finished: self.state.is_finished().then(|| self.finished()),
            started: self.started.clone().unwrap_or_default(),
            ended: self.ended.clone(),
        })
    }

    /// What the sampler noted; empty where it noted nothing.
    fn proposal(&self) -> BTreeMap<String, Json> {
        let noted = self.attributes.get(PROPOSAL_KEY).and_then(Json::as_object);
        noted.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The state rules; the attribute tells apart what Optuna has one state for. A trial that
    /// another program pruned has no such attribute and counts as failed.
    fn finished(&self) -> Finished {
        let noted = self.attributes.get(OUTCOME_KEY).and_then(Json::as_str);
        let outcome = match (self.state, noted) {
            (State::Complete, _) => Outcome::Complete,
            (State::Pruned, Some(name)) if name == Outcome::Silent.name() => Outcome::Silent,
            (State::Pruned, Some(name)) if name == Outcome::Timeout.name() => Outcome::Timeout,
            _ => Outcome::Failed,
        };
        let own = |key: &str| key == OUTCOME_KEY || key == PROPOSAL_KEY;
        let attributes = self.attributes.iter().filter(|(key, _)| !own(key));
        Finished {
            outcome,
            value: self.value,
            constraints: self.constraints.clone(),
            intermediate: self.intermediate.iter().map(|(&step, &value)| (step, value)).collect(),
            attributes: attributes.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }
}
