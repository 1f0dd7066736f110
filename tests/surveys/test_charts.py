"""What is drawn says what the table, the file and the API say; and lies where it says."""

import csv
import html
import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys import charts, nps
from surveys.models import Group, Invitation
from tests import factories
from tests.api.conftest import Caller
from tests.surveys import naive
from tests.surveys.figured import answer, answered, wave

URL = "/surveys/results/"


# --- geometry


def scored(value, margin=10.0, n=20):
    low, high = max(-100.0, value - margin), min(100.0, value + margin)
    return nps.Score(n, True, value, low, high, 50.0, 20.0, 30.0, float(n))


class Part:
    def __init__(self, score, name="Part"):
        self.score, self.name = score, name


SCORES = st.lists(st.floats(-100, 100).map(lambda value: Part(scored(round(value, 1)))), min_size=1, max_size=15)


def value_at(place, ticks):
    """What a place on an axis stands for, by two of its ticks."""
    one, other = ticks[0], ticks[-1]
    return one.value + (place - one.at) * (other.value - one.value) / (other.at - one.at)


@given(SCORES)
def test_every_mark_of_a_trend_lies_where_its_number_is(points):
    drawn = charts.trend(points)
    assert [dot.of for dot in drawn.dots] == points
    for dot in drawn.dots:
        for place, value in ((dot.y, dot.of.score.nps), (dot.low, dot.of.score.low), (dot.high, dot.of.score.high)):
            assert value_at(place, drawn.ticks) == pytest.approx(value, abs=0.2)
            assert -0.1 <= place <= drawn.height + 0.1
    assert 1 <= len(drawn.names) <= charts.NAMED


@given(SCORES, st.floats(-100, 100))
def test_every_row_lies_on_the_same_scale_as_the_score_of_all(parts, whole):
    drawn = charts.rows(parts, scored(round(whole, 1)))
    for row in drawn.rows:
        for place, value in ((row.x, row.of.score.nps), (row.low, row.of.score.low), (row.high, row.of.score.high)):
            assert value_at(place, drawn.ticks) == pytest.approx(value, abs=0.2)
            assert -0.1 <= place <= charts.ROW_WIDTH + 0.1
    assert value_at(drawn.all, drawn.ticks) == pytest.approx(round(whole, 1), abs=0.2)


def test_a_line_breaks_where_too_few_answered():
    points = [Part(scored(10)), Part(scored(20)), Part(nps.Score(3, shown=False)), Part(scored(30)), Part(scored(40))]
    drawn = charts.trend(points)
    assert [len(line.split()) for line in drawn.lines] == [2, 2]
    assert points[2] not in [dot.of for dot in drawn.dots]


def test_nothing_to_draw_is_no_error():
    nothing = nps.Score(0, shown=False)
    assert charts.trend([]).dots == charts.columns([]) == charts.stays([]) == charts.stack(nothing) == []
    assert charts.trend([Part(nothing)]).lines == []
    assert charts.rows([Part(nothing)], nothing).rows == []
    assert charts.flow({}).bands == []


def test_columns_are_as_high_as_their_share_and_the_highest_fills_the_picture():
    bins = [nps.Bin(n, nps.group_of(n), n, float(n)) for n in range(11)]
    drawn = charts.columns(bins)
    assert drawn[10].height == charts.COLUMNS_HEIGHT
    for column in drawn:
        assert column.height == pytest.approx(charts.COLUMNS_HEIGHT * column.of.share / 10, abs=0.1)
        assert column.y + column.height == pytest.approx(charts.COLUMNS_HEIGHT, abs=0.1)


def test_the_stack_is_as_long_as_everybody():
    pieces = charts.stack(scored(20))
    assert [(piece.group, piece.share) for piece in pieces] == [
        (Group.PROMOTER, 50.0), (Group.PASSIVE, 20.0), (Group.DETRACTOR, 30.0),
    ]  # fmt: skip
    assert pieces[-1].x + pieces[-1].width == charts.STACK_WIDTH


NAMES = ("promoter", "passive", "detractor", "silent")
MATRICES = st.dictionaries(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), st.integers(0, 500))


@given(MATRICES)
def test_in_a_flow_nobody_is_lost_and_everybody_is_as_thick_at_both_ends(matrix):
    drawn, people = charts.flow(matrix, NAMES), sum(matrix.values())
    assert {(band.source, band.target): band.people for band in drawn.bands} == {k: n for k, n in matrix.items() if n}
    for side, nodes in (("source", drawn.left), ("target", drawn.right)):
        assert sum(node.people for node in nodes) == people
        for node in nodes:
            bands = [band for band in drawn.bands if getattr(band, side) == node.name]
            assert sum(band.people for band in bands) == node.people
            assert sum(band.thickness for band in bands) == pytest.approx(node.height, abs=0.5)
        for above, below in itertools.pairwise(nodes):
            assert above.y + above.height < below.y
        assert not nodes or nodes[-1].y + nodes[-1].height <= drawn.height + 0.5


# --- one number everywhere


@pytest.fixture
def world(db):
    """Three waves with random answers, weights, flags, countries and people who left."""
    waves = [wave(name, days) for name, days in (("First", 400), ("Second", 200), ("Third", 20))]
    given = {each.pk: answered(each, 50, seed) for seed, each in enumerate(waves)}
    for _each in range(4):
        answer(waves[-1], 5, country="FR", finished=False)
        given[waves[-1].pk].append((5, 1.0, "FR", False))
    Invitation.objects.update(opened_at=waves[-1].opens_at)
    return waves, given


@pytest.fixture
def page(world, as_user, lead):
    waves, _given = world
    return as_user(lead).get(URL, {"wave": waves[-1].pk}).content.decode()


@pytest.fixture
def taken(world, as_user, lead):
    """`taken("trend")`: the CSV of a figure as dictionaries."""

    def take(figure):
        got = as_user(lead).get(f"{URL}figures/{figure}.csv", {"wave": world[0][-1].pk})
        text = b"".join(got.streaming_content).decode().removeprefix("\ufeff")
        return list(csv.DictReader(io.StringIO(text)))

    return take


@pytest.fixture
def calling(db):
    """A system whose token acts for a person in a role."""

    def call(role="admin"):
        text = f"hark_{role:_<12}-a-token"
        token = factories.ApiTokenFactory(user=factories.UserFactory(role=role), text=text)
        return Caller(token, text)

    return call


@pytest.fixture
def api(calling, world):
    """`api("nps")`: what the API says of the newest wave."""

    system = calling("executive")

    def ask(figure, **query):
        answer = system.get(f"/surveys/waves/{world[0][-1].pk}/{figure}", **query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def part(page, figure):
    """The section of one figure."""
    return html.unescape(page.split(f'aria-labelledby="figure-{figure}"')[1].split("</section>")[0])


def number(text):
    text = re.sub(r"[+\s\u202f%]", "", text.replace("−", "-"))
    return None if text in ("", "–") else float(text)


def table_of(page, figure):
    """The rows of the table beside a chart."""
    body = part(page, figure).split("<tbody>")[1].split("</tbody>")[0]
    return [
        [re.sub("<[^>]*>", "", cell).strip() for cell in re.findall("<td.*?</td>", row, re.DOTALL)]
        for row in re.findall("<tr>.*?</tr>", body, re.DOTALL)
    ]


def same_rows(page, taken, figure, skip=()):
    """Whether table and file of a figure say the same, cell by cell."""
    rows, table = taken(figure), table_of(page, figure)
    assert len(rows) == len(table) > 0
    for row, cells in zip(rows, table, strict=True):
        for n, (value, cell) in enumerate(zip(row.values(), cells, strict=True)):
            if n in skip:
                continue
            is_number = re.fullmatch(r"'?-?[\d.]*", value)
            assert (number(value.lstrip("'")) == number(cell)) if is_number else value == cell
    return rows


def of_csv(row):
    return tuple(number(row[name].lstrip("'")) for name in ("answers", "NPS", "from", "to"))


def of_json(score):
    return score["n"], score["nps"], score["low"], score["high"]


def test_a_trend_says_the_same_everywhere_and_what_the_script_says(page, world, taken, api):
    waves, given = world
    drawn = re.findall(r"<title>(\w+): (\S+) \((\S+) … (\S+)\), (\d+)</title>", part(page, "trend"))
    rows, told = same_rows(page, taken, "trend", skip=(1,)), api("trend")
    for each, (name, value, low, high, n), row, point in zip(waves, drawn, rows, told, strict=True):
        oracle = naive.nps([(score, weight) for score, weight, _country, flagged in given[each.pk] if not flagged])
        mine = (float(n), number(value), number(low), number(high))
        assert mine == of_csv(row) == of_json(point["score"])
        assert mine == pytest.approx((oracle["n"], oracle["nps"], oracle["low"], oracle["high"]), abs=0.0501)
        assert name == row["wave"] == point["name"] == each.name


def test_a_distribution_says_the_same_everywhere(page, world, taken, api):
    drawn = re.findall(r"<title>(\d+): (\S+)\s*%, (\d+)</title>", part(page, "distribution"))
    rows, told = same_rows(page, taken, "distribution"), api("distribution")
    assert len(drawn) == len(told) == 11
    for (score, share, n), row, each in zip(drawn, rows, told, strict=True):
        mine = (float(score), number(share), float(n))
        assert mine == (float(row["score"]), float(row["share %"]), float(row["answers"]))
        assert mine == (each["score"], each["share"], each["n"])


def test_segments_say_the_same_everywhere_and_what_the_script_says(page, world, taken, api):
    waves, given = world
    rows, told = same_rows(page, taken, "country"), api("segments", by="country")
    assert [row["Country"] for row in rows] == [each["name"] for each in told]
    drawn = dict(re.findall(r'dir="auto" href="[^"]*">(\w+)</a>.*?<strong>(\S+)</strong>', part(page, "country"), re.S))
    for row, each in zip(rows, told, strict=True):
        of = [(s, w) for s, w, country, flagged in given[waves[-1].pk] if country == row["Country"] and not flagged]
        assert of_csv(row) == of_json(each["score"])
        assert each["score"]["n"] == len(of)
        if len(of) >= 10:
            assert number(drawn[row["Country"]]) == each["score"]["nps"]
            assert each["score"]["nps"] == pytest.approx(naive.nps(of)["nps"], abs=0.0501)
        else:
            assert row["Country"] == "FR"
            assert "FR" not in drawn
            assert each["score"]["nps"] is None


def test_what_people_left_says_the_same_everywhere(page, taken, api):
    rows, told = same_rows(page, taken, "drop-off"), api("rates")
    left = re.findall(r"(\d+) left here \((\S+)\s*%\)", part(page, "drop-off"))
    of_file = [(float(row["left after it"]), float(row["left %"])) for row in rows if row["left after it"] != "0"]
    of_api = [(step["left"], step["share"]) for step in told["steps"] if step["left"]]
    assert [(float(n), number(share)) for n, share in left] == of_file == of_api
    assert left
    for row in same_rows(page, taken, "rates"):
        assert float(row["number"]) == told[row["people"].replace(" ", "_")]


def test_the_headline_says_the_same_everywhere(page, world, taken, api):
    told, rows = api("nps"), taken("score")
    headline = re.search(r'headline__score"><strong>(\S+)</strong>', page).group(1)
    between = re.search(r"Between (\S+) and (\S+)</p>", page).groups()
    mine = tuple(map(number, (headline, *between)))
    assert mine == (told["score"]["nps"], told["score"]["low"], told["score"]["high"]) == of_csv(rows[0])[1:]
    assert of_csv(rows[1]) == of_json(told["with_flagged"])
    assert of_csv(rows[2]) == of_json(told["unweighted"])
    answers = [(score, weight) for score, weight, _country, _flagged in world[1][world[0][-1].pk]]
    assert told["with_flagged"]["nps"] == pytest.approx(naive.nps(answers)["nps"], abs=0.0501)


def test_under_a_filter_too(world, as_user, lead, calling):
    waves, given = world
    query = {"wave": waves[-1].pk, "country": "GB", "flagged": "with"}
    figures = as_user(lead).get(URL, query).context["figures"]
    told = calling().get(f"/surveys/waves/{waves[-1].pk}/nps", country="GB", flagged="true").json()
    of = [(score, weight) for score, weight, country, _flagged in given[waves[-1].pk] if country == "GB"]
    assert figures.score.nps == told["score"]["nps"] == pytest.approx(naive.nps(of)["nps"], abs=0.0501)
    assert figures.score.n == told["score"]["n"] == len(of)


def test_a_figure_nobody_knows_is_not_found(as_user, lead, calling, world):
    assert as_user(lead).get(f"{URL}figures/nonsense.csv").status_code == 404
    system, wave_of = calling(), f"/surveys/waves/{world[0][0].pk}"
    assert system.get("/surveys/waves/999999/nps").status_code == 404
    assert system.get(f"{wave_of}/segments", by="shoe size").status_code == 422
    assert system.get(f"{wave_of}/nps", contry="GB").status_code == 422


def test_every_chart_has_a_table_and_a_file(page):
    for figure in ("trend", "distribution", "country", "tier", "account", "channel", "cause", "drop-off", "rates"):
        assert "As a table" in part(page, figure), figure
        assert f"/figures/{figure}.csv?wave=" in part(page, figure), figure


def test_groups_differ_in_more_than_colour(page):
    for name in ("hatched", "dotted"):
        assert f'id="{name}"' in page
        assert f'fill="url(#{name})"' in part(page, "distribution")


def test_waves_are_listed_by_api(calling, world):
    waves, _given = world
    factories.WaveFactory(state="draft", planned_at=None)
    listed = calling("lead").get("/surveys/waves").json()["items"]
    assert [each["id"] for each in listed] == [each.pk for each in waves]
    assert {each["state"] for each in listed} == {"running"}
