"""The page that shows what was expected of a data set and what was found: one file, readable offline, no dates."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined

from stages.contracts.documents.leaks_document import Leaks
from stages.contracts.documents.validation_document import ExpectationResult, Validation
from stages.foundation.plain_output import plain

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ dataset }}: validation</title>
<style>
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1c2024; --soft: #60676e; --line: #e3e5e8;
  --good: #18794e; --good-back: #e6f6ec; --bad: #c62a2f; --bad-back: #ffecec; }
@media (prefers-color-scheme: dark) { :root { --page: #131517; --card: #1b1e21; --ink: #eceef0; --soft: #9ba1a6; --line: #2f3438;
  --good: #6cd59b; --good-back: #133425; --bad: #ff9592; --bad-back: #40191b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 0; }
p { margin: 0 0 1rem; color: var(--soft); }
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.25rem 0 2rem; }
nav a { color: inherit; text-decoration: none; border: 1px solid var(--line); background: var(--card); border-radius: 999px;
  padding: .15rem .8rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 1.5rem; overflow: hidden; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding: .9rem 1.1rem; }
header span { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; min-width: 46rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; border-top: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 1.1rem; width: 2.6rem; }
th { font-weight: 500; font-size: .85rem; color: var(--soft); white-space: nowrap; }
td small { display: block; color: var(--soft); }
.range { font-variant-numeric: tabular-nums; white-space: nowrap; }
th:nth-child(2) { width: 36%; } th:nth-child(4) { width: 10rem; } th:nth-child(5) { width: 8.5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 1.1rem; }
code { font: .92em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); }
tr.failed > td { background: var(--bad-back); }
.note { color: var(--ink); border-left: 3px solid var(--bad); padding-left: .8rem; overflow-wrap: anywhere; }
.mark { font-weight: 700; }
.verdict { display: inline-block; border-radius: 999px; padding: .1rem .8rem; font-weight: 600; }
.verdict.good { background: var(--good-back); } .verdict.bad { background: var(--bad-back); }
ul { margin: .4rem 0 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .3rem .4rem; }
li { border: 1px solid var(--line); background: var(--card); border-radius: 6px; padding: 0 .45rem; font-size: .88rem; }
@media print { body { background: #fff; } section { break-inside: avoid; } nav { display: none; } }
</style>
</head>
<body>
<main>
<h1>Validation of {{ dataset }}</h1>
<p><span class="verdict {{ 'good' if success else 'bad' }}">
{{- 'all expectations hold' if success else n_failed ~ ' failed' if n_failed else 'stopped by a leak' }}</span>
{{ n_expectations }} expectations in {{ n_suites }} suites, checked by Great Expectations.
{% if not success %}Nothing is trained on this data set until they hold.{% endif %}</p>
{% for finding in leaks.findings if finding.level != "ignore" %}<p class="note"><a href="#leaks">{{ finding.code }}</a>
({{ finding.subject }}): {{ finding.text }}.</p>
{% endfor %}<nav aria-label="Suites">
{% for suite in suites %}<a href="#suite-{{ loop.index }}"><span class="mark {{ 'good' if suite.success else 'bad' }}">
{{- '✓' if suite.success else '✗' }}</span> {{ suite.suite }}</a>
{% endfor %}</nav>
<section id="leaks">
<header><h2>Leaks</h2><span>{{ leaks | heading }}</span></header>
{% if leaks.findings %}<div class="scroll"><table class="leaks">
<thead><tr><th scope="col"><span aria-label="level"></span></th><th scope="col">code, subject</th><th scope="col">finding</th>
<th scope="col">evidence</th><th scope="col" class="number">samples</th></tr></thead>
<tbody>
{% for finding in leaks.findings %}
<tr{% if finding.level == "fail" %} class="failed"{% endif %}>
<td><span class="mark {{ 'bad' if finding.level != 'ignore' }}" role="img" aria-label="{{ finding.level }}">
{{- '✗' if finding.level == 'fail' else '!' if finding.level == 'warn' else '–' }}</span></td>
<td><code>{{ finding.code }}</code><small>{{ finding.subject }}<br>severity {{ finding.severity }}, {{ finding.level }}<br>
{{ finding.documentation }}</small></td>
<td>{{ finding.text }}
{% if finding.known %}<small>No leak here: {{ finding.known }}</small>{% endif %}
<small>Remedy: <code>{{ finding.remedy }}</code></small>
<ul aria-label="samples concerned">
{% for name in finding.samples %}<li><code>{{ name }}</code></li>
{% endfor %}
</ul></td>
<td class="range">{% if finding.gap %}gap: {{ finding.gap.difference | figure }}
[{{ finding.gap.lo | figure }}, {{ finding.gap.hi | figure }}]<br>{% endif %}
{% for name, value in finding.evidence.items() %}{{ name | replace("_", " ") }}: {{ value | figure }}<br>{% endfor %}</td>
<td class="number">{{ '{:,}'.format(finding.n_samples) }}</td>
</tr>
{% endfor %}
</tbody></table></div>{% endif %}
</section>
{% for suite in suites %}
<section id="suite-{{ loop.index }}">
<header><h2>{{ suite.suite }}</h2><span>{{ '{:,}'.format(suite.n_rows) }} rows
{%- if suite.n_absent %}; {{ '{:,}'.format(suite.n_absent) }} samples lack this modality{% endif %}</span></header>
<div class="scroll"><table>
<thead><tr><th scope="col"><span aria-label="result"></span></th><th scope="col">column</th><th scope="col">expectation</th>
<th scope="col">found</th><th scope="col" class="number">rows otherwise</th></tr></thead>
<tbody>
{% for result in suite.expectations %}
<tr{% if not result.success %} class="failed"{% endif %}>
<td><span class="mark {{ 'good' if result.success else 'bad' }}" role="img" aria-label="{{ 'holds' if result.success else 'failed' }}">
{{- '✓' if result.success else '✗' }}</span></td>
<td><code>{{ result.column or 'whole table' }}</code>{% if result.notes %}<small>{{ result.notes }}</small>{% endif %}</td>
<td>{{ result | description }}
{% if result.offending %}<ul aria-label="samples found otherwise">
{% for row in result.offending %}<li><code>{{ row.sample_id }}</code>{% if row.value %} {{ row.value }}{% endif %}</li>
{% endfor %}
{% if result.unexpected > result.offending | length %}<li>{{ '{:,}'.format(result.unexpected) }} rows in all</li>{% endif %}
</ul>{% endif %}</td>
<td class="range">{{ result | found }}</td>
<td class="number">{% if result.observed is none %}{{ '{:,}'.format(result.unexpected) }}{% else %}–{% endif %}</td>
</tr>
{% endfor %}
</tbody></table></div>
</section>
{% endfor %}
</main>
</body>
</html>
"""


def validation_page(validation: Validation, leaks: Leaks) -> str:
    """Return the page of a data set's validation.json and leaks.json: the leaks, a mark per expectation, and the unexpected samples."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"description": description, "found": found, "heading": heading, "figure": figure}
    suites = [*validation.suites, *([leaks.suite] if leaks.suite else [])]
    results = [result for suite in validation.suites for result in suite.expectations]
    counts = {"n_expectations": len(results), "n_failed": sum(not result.success for result in results)}
    return plain(environment.from_string(TEMPLATE).render(
        dataset=validation.dataset, success=validation.success, suites=suites, leaks=leaks, n_suites=len(validation.suites), **counts))


def heading(leaks: Leaks) -> str:
    """Return what was examined and what is open, as text."""
    if not leaks.examined:
        return "not examined: an expectation failed"
    n_codes = len(leaks.suite.expectations) if leaks.suite else 0
    text = f"{len(leaks.findings)} findings, {len(leaks.open)} codes open, of {n_codes} that were looked for"
    return "; ".join([text, *leaks.limits])


def figure(value: float | None) -> str:
    """Return a number of the evidence with four digits."""
    return "–" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def description(result: ExpectationResult) -> str:
    """Return an expectation as text, such as "values between 0 and 1, in at least 95 % of the rows"."""
    kwargs = result.kwargs
    kind = result.expectation.removeprefix("expect_")
    text = PHRASES.get(kind, lambda given: f"{kind.replace('_', ' ')} {given}")(kwargs)
    return text + (f", in at least {100 * kwargs['mostly']:.4g} % of the rows" if "mostly" in kwargs else "")


def found(result: ExpectationResult) -> str:
    """Return what was observed: one number, or the range of the column."""
    if result.observed is not None:
        return f"{result.observed:,}"
    if result.range is None:
        return ""
    low, high = result.range
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _range(kwargs: Mapping[str, Any]) -> str:
    """Return bounds as text: "between 0 and 1", "exactly 1", "above 0"."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    above = f"{'above' if kwargs.get('strict_min') else 'at least'} {low:.6g}" if low is not None else ""
    below = f"{'below' if kwargs.get('strict_max') else 'at most'} {high:.6g}" if high is not None else ""
    if low is not None and low == high:
        return f"exactly {low:.6g}"
    return " and ".join(part for part in (above, below) if part)


def _choice(values: Sequence[Any]) -> str:
    return "true" if list(values) == [True] else "one of " + ", ".join(map(str, values))


PHRASES: Mapping[str, Any] = {
    "column_values_to_not_be_null": lambda kwargs: "not missing",
    "column_values_to_be_unique": lambda kwargs: "no value occurs twice",
    "column_values_to_be_in_set": lambda kwargs: _choice(kwargs["value_set"]),
    "column_values_to_be_between": _range,
    "column_unique_value_count_to_be_between": lambda kwargs: f"number of different values: {_range(kwargs)}",
    "column_pair_values_to_be_equal": lambda kwargs: "equal to that of samples",
    "compound_columns_to_be_unique": lambda kwargs: "no combination occurs twice",
    "table_row_count_to_equal": lambda kwargs: f"number of rows: {kwargs['value']:,}",
}
