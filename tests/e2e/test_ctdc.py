"""A real file through the whole system: the CTDC Global Dataset against a recount of the file itself in SQL."""

import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tests.support import demo

pytestmark = [pytest.mark.broker, pytest.mark.shared, pytest.mark.slow, pytest.mark.timeout(1200)]

ROWS = 48_773
FILE = ("data", "ctdc", "GlobalDataset_14Apr2020_derived_15col.csv.gz")
COUNTRIES = ("data", "geo", "country_codes_m49.csv")

RECOUNT = """
with file as (
    select * from read_csv(?, header = true, all_varchar = true)
), country as (
    select "ISO3166-1-Alpha-2" as alpha2, "ISO3166-1-Alpha-3" as alpha3
    from read_csv(?, header = true, all_varchar = true)
), victim as (
    select
        yearOfRegistration as year,
        case gender when 'Female' then 'F' when 'Male' then 'M' else 'unknown' end as gender,
        coalesce(ageBroad, 'unknown') as age,
        case
            when citizenship is null or citizenship = '0' then 'unknown'
            else coalesce(origin.alpha3, 'no such country: ' || citizenship)
        end as citizenship,
        case
            when CountryOfExploitation is null or CountryOfExploitation = '0' then 'unknown'
            else coalesce(place.alpha3, 'no such country: ' || CountryOfExploitation)
        end as country,
        case
            when isForcedLabour = '1.0' and isSexualExploit = '1.0' then 'ForcedLabour+SexualExploitation'
            when isForcedLabour = '1.0' then 'ForcedLabour'
            when isSexualExploit = '1.0' then 'SexualExploitation'
            else 'unknown'
        end as exploitation
    from file
    left join country as origin on origin.alpha2 = file.citizenship
    left join country as place on place.alpha2 = file.CountryOfExploitation
), cell as (
    select concat_ws('|', 'cases', 'profile', 'TIP', 'confirmed', country, year, gender, age, exploitation) as key
    from victim
    union all
    select concat_ws('|', 'cases', 'quarters', 'TIP', 'confirmed', country, year, year) from victim
    union all
    select concat_ws('|', 'cases', 'origin', 'TIP', 'confirmed', country, year, citizenship) from victim
    union all
    select concat_ws('|', 'cases', 'means', 'TIP', 'confirmed', country, year, 'unknown') from victim
    union all
    select concat_ws('|', 'cases', 'identification', 'TIP', 'confirmed', country, year, 'unknown') from victim
)
select key, count(*) from cell group by key
"""
"""Cell key → victims: each row a confirmed victim of its own; the file says nothing of means or of who decided."""


@pytest.fixture(scope="module")
def whole(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> demo.Ran:
    return demo.run(tmp_path_factory.mktemp("ctdc") / "out", "--input", shared_dir.joinpath(*FILE))


def test_every_row_is_published_and_counted(whole: demo.Ran) -> None:
    assert whole.code == 0, whole.said
    report = json.loads((whole.out / "report.json").read_text(encoding="utf-8"))
    assert (report["rows_read"], report["published"], report["counted"]) == (ROWS, ROWS, ROWS)
    assert (report["refused"], report["quarantined"], report["difference"]) == (0, 0, 0)


def test_every_cell_equals_a_recount_of_the_file(whole: demo.Ran, shared_dir: Path) -> None:
    places = [str(shared_dir.joinpath(*FILE)), str(shared_dir.joinpath(*COUNTRIES))]
    recounted = Counter(dict(duckdb.execute(RECOUNT, places).fetchall()))
    assert sum(recounted.values()) == 5 * ROWS
    counted = demo.counted_cells(whole.out / "internal" / "cells.csv")
    assert counted - recounted == recounted - counted == Counter()
