//! HCP Terraform tokens: 14 characters, `.atlasv1.`, 60 or more (<https://developer.hashicorp.com/terraform/cloud-docs/users-teams-organizations/api-tokens>).

use super::class::{ALNUM, URL_PADDED};
use super::entropy::centibits;
use super::{Context, Detector, Grade, Group, Outcome, Trigger};

pub(super) const TERRAFORM_TOKEN: Detector = Detector {
    name: "terraform_token",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&[".atlasv1."]),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let start = context.run_back(at.start, 15, |byte| ALNUM.has(byte));
    let end = context.run(at.end, 72, |byte| URL_PADDED.has(byte));
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let body = context.bytes(at.end..end);
    if at.start - start == 14 && (60..=70).contains(&body.len()) && centibits(body) >= 300 {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn knows_the_form() {
        check(
            "terraform_token",
            "«7be0ebcc06163c.atlasv1.eut_whf9f_uo8dmi9=1i8wleqmkoflbfh8ut6cve=8if98cr8r1_1ciw36lj-m1»",
        );
        check(
            "terraform_token",
            "xxxxxxxxxxxxxx.atlasv1.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        );
    }
}
