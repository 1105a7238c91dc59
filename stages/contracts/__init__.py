"""What passes between stages and what a component provides. One file per kind of component; paths of the files between stages.

Files (Arrow IPC; the JSON under schema metadata key `sensorium` in brackets)
  samples      sample_id, group: string · split: string or null ("train"/"test", an official split) · target (see below)
               · one column per modality, its kind in the field's metadata under `modality`
               · of a person's own files source: struct of a string per modality, the file or the table's row that holds it
               [dataset, title, target {name, task, outputs}, rows {used, available}, group, sources, licence, citation, shipped,
               on_bad_sample, max_bad_share]
  splits       sample_id, group · target · repeat, fold: int16 · inner: FixedSizeList<int16>[n_folds]
               One row per repeat and sample. `fold` is the outer fold that holds the sample out (-1: never held out);
               inner[f] is the inner fold that holds it out while outer fold f is the test set (-1: it is in f's test set).
               [dataset, target, rows, n_folds, n_repeats, n_inner_folds]
  features     sample_id, then by encoding
               dense:  vector: FixedSizeList<float32>[d]
               sparse: indices: List<int32> (sorted, unique per row), values: List<float32>
               table:  numeric: FixedSizeList<float32>[p] (NaN: missing), categorical: FixedSizeList<string>[q] (null: missing)
               and the structured form where there is one (frames, series, points, edges).
               [dataset, label, modality, settings, encoding, shape, names, fit: settings of what train fits on its training rows]
  quarantine   sample_id, reason: string, of the samples that ingest or featurize could not read; they have no row in what it wrote
  left out     (quarantine.arrow beside splits) sample_id, modality, reason: all of a data set's; modality "" is ingest's
               [dataset, share]
  predictions  subset: string · repeat, fold: int16 · sample_id · target, prediction: by task
               · scores: FixedSizeList<float32>[n_outputs] (not for regression) [the splits' metadata, model, control, subsets; sweep
               and curves have the same]
  sweep        subset · repeat, fold, inner: int16 · config: int32 · settings: string (JSON) · a float64 column per metric that needs
               no probabilities · chosen: bool (this configuration was used on the outer fold)
  curves       subset · repeat, fold: int16 · name: string · step: int32 (from 1) · value: float64

Targets by task (`outputs` in the metadata names the classes, the labels or the numbers; n_outputs is how many)
  binary, multiclass  int32, the code of the class
  multilabel          FixedSizeList<uint8>[n_outputs], 1 where the label holds
  regression          FixedSizeList<float64>[n_outputs] NaN where it is not known

Files (JSON; no NaN, an undefined number is null)
  validation   dataset, success, suites: [{suite, success, expectations: [{expectation, column, kwargs, success, observed, …}]}]
  model        model.json beside arrays.npz: dataset, model, subset, config, task, outputs, features {label: {modality, settings}},
               encoders {label: {arrays, json}}, state
  evaluation   dataset, title, licence, citation, target, task, outputs, rows, group, n_groups, quarantined {rows, share}
               counts: rows per class or label (regression: null) · controls: the models that are controls
               n_folds, n_repeats, n_inner_folds, confidence, interval (the method), primary
               metrics [{name, title, greater_is_better}], the primary one first
               modalities, models, subsets · scores {model: {subset: {metric: {mean, lo, hi, folds}}}}
               leaderboard [{rank, model, subset, lo, hi, each metric}], best {model, subset}
               comparisons [{family, metric, a, b, difference, lo, hi, p, p_corrected, verdict}]
               confusion {model: {subset: rows of true, columns of predicted classes}} (binary, multiclass)
               by_output {model: {subset: {metric: mean over folds per output, in the order of outputs}}} (multilabel, regression)
               n_bins, ranges {number: [lo, hi]}, agreement {model: {subset: {number: [[true bin, predicted bin, rows]]}}} (regression)
               shipped: false, where the data are a person's own
               configs {model: {subset: [{repeat, fold, config, settings, inner_score}]}}, grids (every configuration's inner score)
               sweeps {model: {subset: {parameter: [{value, mean}]}}}, curves {model: {subset: {name: mean per step}}}
  summary      flat numbers of the best model and subset, the same keys for every data set: `dvc metrics show`
"""
