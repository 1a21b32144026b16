//! Gaussian process regression against GPyTorch and BoTorch (spec scbo.md, section GP).

use crate::support::{Vectors, files};
use spikeseek::search::gp::{Bounds, Gp, Hyper, log_likelihood_gradient};
use spikeseek::search::transforms::Standardise;

/// Fails unless all elements agree to `tolerance`, relative to the expected element or `floor`.
fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64, floor: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (k, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance * e.abs().max(floor), "{what}[{k}]: {f}, expected {e}");
    }
}

fn hyper(v: &Vectors, prefix: &str) -> Hyper {
    Hyper {
        lengthscales: v.flat(&format!("{prefix}lengthscale")),
        outputscale: v.scalar(&format!("{prefix}outputscale")),
        noise: v.scalar(&format!("{prefix}noise")),
        mean: v.scalar(&format!("{prefix}mean")),
    }
}

/// d value/d raw of an interval: value = low + (high − low)·sigmoid(raw).
fn interval_slope(value: f64, low: f64, high: f64) -> f64 {
    (value - low) * (high - value) / (high - low)
}

#[test]
fn fixed_hyperparameters() {
    for v in files("a_gp_") {
        let (x, y, xs) = (v.flat("X"), v.flat("y"), v.flat::<f64>("Xs"));
        let hyper = hyper(&v, "");
        let name = |what: &str| format!("{}: {what}", v.name);

        let (lml, gradient) = log_likelihood_gradient(&x, &y, &hyper).unwrap();
        for recorded in ["lml_gpytorch", "lml_closed_form"] {
            assert_close(&name(recorded), &[lml], &[v.scalar(recorded)], 1e-10, 0.0);
        }
        // The components of a gradient are sums of terms that cancel: 1e-8 of a component, or of
        // 1e-3 of the largest where the component is smaller still.
        let by_lengthscale = v.flat::<f64>("dlml_dlengthscale");
        let floor = 1e-3 * by_lengthscale.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        let found = &gradient.lengthscales;
        assert_close(&name("by lengthscale"), found, &by_lengthscale, 1e-8, floor);
        for (found, recorded) in [
            (gradient.outputscale, "dlml_doutputscale"),
            (gradient.noise, "dlml_dnoise"),
            (gradient.mean, "dlml_dmean"),
        ] {
            assert_close(&name(recorded), &[found], &[v.scalar(recorded)], 1e-8, 0.0);
        }

        // The same through the reference's own parameters; its bounds are float32 numbers.
        let bounds = Bounds::default();
        let single = |(low, high): (f64, f64)| (f64::from(low as f32), f64::from(high as f32));
        let (low, high) = single(bounds.lengthscale);
        let slopes = hyper.lengthscales.iter().map(|l| interval_slope(*l, low, high));
        let raw: Vec<f64> = gradient.lengthscales.iter().zip(slopes).map(|(g, s)| g * s).collect();
        let recorded = v.flat("raw_grad.covar_module.base_kernel.raw_lengthscale");
        assert_close(&name("raw lengthscale"), &raw, &recorded, 1e-8, floor);
        let (low, high) = single(bounds.noise);
        for (raw, recorded) in [
            (
                gradient.noise * interval_slope(hyper.noise, low, high),
                "likelihood.noise_covar.raw_noise",
            ),
            // softplus: d value/d raw = 1 − exp(−value).
            (-gradient.outputscale * (-hyper.outputscale).exp_m1(), "covar_module.raw_outputscale"),
            (gradient.mean, "mean_module.raw_constant"),
        ] {
            let recorded = v.flat(&format!("raw_grad.{recorded}"));
            assert_close(&name("raw"), &[raw], &recorded, 1e-8, 0.0);
        }

        let gp = Gp::condition(&x, &y, &hyper).unwrap();
        assert_eq!(gp.jitter(), 0.0);
        assert_close(&name("lml of the model"), &[gp.log_likelihood()], &[lml], 1e-14, 0.0);
        let (mean, covariance) = gp.joint(&xs);
        assert_close(&name("mean"), &mean, &v.flat("post_mean"), 1e-8, 1e-3);
        let recorded = v.flat("post_cov");
        assert_close(&name("covariance"), &covariance, &recorded, 1e-8, hyper.outputscale);
        let (alone, variance) = gp.predict(&xs);
        assert_eq!(alone, mean);
        let diagonal: Vec<f64> = recorded.iter().step_by(mean.len() + 1).copied().collect();
        assert_close(&name("variance"), &variance, &diagonal, 1e-8, hyper.outputscale);
        v.finish();
    }
}

#[test]
fn fitted_hyperparameters() {
    for v in files("a_fit") {
        let (x, y, xs) = (v.flat("X"), v.flat::<f64>("y"), v.flat::<f64>("Xs"));
        let units = Standardise::of(&y);
        let z: Vec<f64> = y.iter().map(|y| units.apply(*y)).collect();
        let name = |what: &str| format!("{}: {what}", v.name);

        // At the recorded hyperparameters. The noise of the optima is near 1e-8, so that K has a
        // condition number near 1e9: 7 of 16 digits are left.
        for (prefix, tolerance) in [("init_", 1e-10), ("fit_", 1e-7), ("best8_", 1e-7)] {
            let (lml, _) = log_likelihood_gradient(&x, &z, &hyper(&v, prefix)).unwrap();
            let recorded = v.scalar(&format!("{prefix}lml"));
            assert_close(&name(prefix), &[lml], &[recorded], tolerance, 0.0);
        }
        let middle = Bounds::default().middle(hyper(&v, "init_").lengthscales.len());
        assert_close(
            &name("first lengthscales"),
            &middle.lengthscales,
            &hyper(&v, "init_").lengthscales,
            1e-7,
            0.0,
        );
        let (mean, variance, covariance) =
            (v.flat("post_mean"), v.flat::<f64>("post_sd"), v.flat("post_cov"));
        let at_recorded = Gp::condition(&x, &z, &hyper(&v, "fit_")).unwrap();
        let (found, found_covariance) = at_recorded.joint(&xs);
        let found: Vec<f64> = found.iter().map(|m| units.invert(*m)).collect();
        assert_close(&name("recorded mean"), &found, &mean, 1e-6, 0.0);
        let square = units.scale().powi(2);
        let found: Vec<f64> = found_covariance.iter().map(|c| c * square).collect();
        assert_close(&name("recorded covariance"), &found, &covariance, 1e-6, square);

        // Fitted here, cold and warm.
        let d = middle.lengthscales.len();
        let cold = Gp::fit(&x, d, &y, None, &Bounds::default()).unwrap();
        let warm = Gp::fit(&x, d, &y, Some(cold.hyper()), &Bounds::default()).unwrap();
        for gp in [cold, warm] {
            let recorded = v.scalar("fit_lml").max(v.scalar("best8_lml"));
            let lml = gp.log_likelihood();
            assert!(lml >= recorded - 1e-3, "{}: {lml} for {recorded}", v.name);
            // One optimum (all restarts of the reference found it): if the likelihoods are equal to
            // 1e-3, the posteriors are to a few hundredths of a standard deviation.
            if lml < recorded + 0.1 {
                let (own, own_variance) = gp.predict(&xs);
                for k in 0..own.len() {
                    let sd = variance[k];
                    assert!((own[k] - mean[k]).abs() < 0.05 * sd, "{}: mean {k}", v.name);
                    assert!((own_variance[k].sqrt() / sd - 1.0).abs() < 0.05, "{}: sd {k}", v.name);
                }
            }
            let bounds = Bounds::default();
            let hyper = gp.hyper();
            let inside = |v: f64, (low, high): (f64, f64)| {
                v >= low * (1.0 - 1e-9) && v <= high * (1.0 + 1e-9)
            };
            assert!(hyper.lengthscales.iter().all(|l| inside(*l, bounds.lengthscale)), "{hyper:?}");
            assert!(inside(hyper.noise, bounds.noise), "{hyper:?}");
            assert!(inside(hyper.outputscale, bounds.outputscale), "{hyper:?}");
        }
        v.finish();
    }
}
