"""Finding customers: by each thing they go by, by a slip of the keys, and never by reading a whole table."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app.models import Message
from crm import copying, finding
from crm.finding import windows
from crm.finding.reading import LONGEST, read
from crm.models import Customer, Identity, IdentityLink, NameWord
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pedersen():
    """Somebody with one of everything."""
    customer = factories.CustomerFactory(
        name="Åse Pedersen", given_name="Åse", family_name="Pedersen", nickname="Sunny", known_at=timezone.now()
    )
    for kind, place, value, handle in (
        ("handle", "chirp", "asep", "AseP"),
        ("email", "", "ase.pedersen@post.example", "ase.pedersen@post.example"),
        ("phone", "", "+4740123456", "401 23 456"),
        ("external", "shop", "K-00042", "K-00042"),
    ):
        factories.IdentityFactory(kind=kind, place=place, value=value, handle=handle, customer=customer)
    return customer


@pytest.fixture
def others():
    """Some who must not be found."""
    people = [factories.CustomerFactory(name=name) for name in ("Bertil Lund", "Cleo Marsh", "Dana Okoye", "王小明")]
    for person in people:
        factories.IdentityFactory(customer=person, value=f"x{person.pk}q")
    return people


def found(words, within=None, **options):
    """The names of whom the words find, the closest first."""
    hits = finding.closest(Customer.objects.all() if within is None else within, words, **options).hits
    return [customer.name for customer in finding.rows(hits)]


def why(words):
    """Why the first was found."""
    return finding.closest(Customer.objects.all(), words).hits[0].why


# --- each way


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ("Åse Pedersen", ""), ("ase pedersen", ""), ("PEDERSEN", ""), ("pedersen åse", ""),
        ("ped", ""), ("eder", ""), ("as pe", ""), ("sunny", "Also called Sunny"),
        ("@AseP", "Handle @AseP"), ("asep", "Handle @AseP"),
        ("ase.pedersen@post.example", "E-mail ase.pedersen@post.example"),
        ("pedersen@post", "E-mail ase.pedersen@post.example"), ("post.exam", "E-mail ase.pedersen@post.example"),
        ("K-00042", "Id K-00042 in shop"), ("k-00042", "Id K-00042 in shop"), ("00042", "Id K-00042 in shop"),
    ],
)  # fmt: skip
def test_a_customer_is_found_by_anything_they_go_by_and_the_row_says_by_what(pedersen, others, words, because):
    assert found(words) == ["Åse Pedersen"]
    assert why(words) == because


@pytest.mark.parametrize(
    "number",
    [
        "+4740123456", "+47 40 12 34 56", "0047 401 23 456", "40123456", "401 23 456", "(+47) 401-23-456",
        "tel:+4740123456", "47.40.12.34.56", "123456", "(0) 401 23 456",
    ],
)  # fmt: skip
def test_a_phone_number_is_found_however_it_is_written(pedersen, others, number):
    assert found(number) == ["Åse Pedersen"]
    assert why(number) == "Phone 401 23 456"


def test_a_number_dialled_with_the_zero_of_its_country_finds_the_one_without():
    customer = factories.CustomerFactory(name="Gwen")
    factories.IdentityFactory(kind="phone", place="", value="+447116049382", handle="", customer=customer)
    for number in ("+44 (07116) 049-382", "+44 (0)7116 049382", "07116 049382", "+44 0 7116 049382"):
        assert found(number) == ["Gwen"]


def test_what_they_wrote_finds_them_and_is_quoted(pedersen, others, channel):
    identity = Identity.objects.get(value="asep")
    text = "Good evening! My cello was left behind at the gate in Bergen and nobody answers the telephone any more."
    factories.MessageFactory(identity=identity, thread__channel=channel, text=text)
    assert found("cello Bergen") == ["Åse Pedersen"]
    assert found("cell") == ["Åse Pedersen"]
    assert why("bergen").startswith("Wrote: …")
    assert "Bergen" in why("bergen")
    assert len(why("bergen")) < 110


def test_what_we_wrote_and_what_was_taken_back_finds_nobody(pedersen, channel):
    identity = Identity.objects.get(value="asep")
    ours = factories.MessageFactory(
        identity=identity, thread__channel=channel, direction="out", text="about your cello"
    )
    said = factories.MessageFactory(identity=identity, thread=ours.thread, text="my violin is lost")
    assert found("cello") == []
    Message.objects.filter(pk=said.pk).update(text="")
    assert found("violin") == []


def test_words_written_in_signs_without_spaces_are_found_one_after_the_other(others, channel):
    identity = IdentityLink.objects.get(customer=others[-1]).identity
    factories.MessageFactory(identity=identity, thread__channel=channel, text="列車が遅れています。返金してください。")
    assert found("王小") == ["王小明"]
    assert found("小明") == ["王小明"]
    assert found("明小") == []
    assert why("小明") == ""
    assert found("返金 列車") == ["王小明"]
    assert found("車列") == []


def test_a_handle_that_is_no_ones_for_sure_finds_nobody(pedersen):
    IdentityLink.objects.exclude(identity__kind="handle").update(state="rejected")
    for words in ("K-00042", "post.example", "401 23 456"):
        assert found(words) == []


# --- closeness


def test_the_closest_stands_first_and_the_newer_of_two_alike():
    names = ["Joann Smith", "Ann", "Anna Smith", "Mary Ann Smith", "Ann Marsh", "Ann Miller"]
    for name in names:
        factories.CustomerFactory(name=name)
    factories.IdentityFactory(value="annette", customer=factories.CustomerFactory(name="Somebody"))
    assert found("ann") == ["Ann", "Ann Miller", "Ann Marsh", "Mary Ann Smith", "Anna Smith", "Somebody", "Joann Smith"]


@pytest.mark.parametrize("words", ["robin", "@robin", "Robin"])
def test_exactly_this_handle_stands_before_all_who_are_called_so(words):
    factories.IdentityFactory(value="robin", customer=factories.CustomerFactory(name="Claire"))
    Customer.objects.bulk_create([Customer(name="Robin") for _ in range(5)])
    assert found(words, most=3) == ["Claire", "Robin", "Robin"]


def test_who_is_found_in_two_ways_stands_once_for_the_closer_of_them(pedersen):
    hits = finding.closest(Customer.objects.all(), "asep").hits
    assert [(hit.customer, hit.closeness) for hit in hits] == [(pedersen.pk, finding.Closeness.KEY)]


def test_who_has_or_writes_much_pushes_nobody_out(channel):
    many, one = factories.CustomerFactory(name="Many"), factories.CustomerFactory(name="One")
    for customer, times in ((one, 1), (many, 6)):
        for n in range(times):
            identity = factories.IdentityFactory(value=f"trombone{customer.pk}{n}", customer=customer)
            factories.MessageFactory(identity=identity, thread__channel=channel, text="where is my luggage")
    assert found("trombone", most=3) == ["One", "Many"]
    assert found("luggage", most=3) == ["One", "Many"]


def test_of_many_the_closest_are_kept_however_old_they_are():
    exact = factories.CustomerFactory(name="Sol")
    Customer.objects.bulk_create([Customer(name=f"Marisol {n}") for n in range(30)])
    answer = finding.closest(Customer.objects.all(), "sol", most=10)
    assert (answer.hits[0].customer, len(answer.hits), answer.cut) == (exact.pk, 10, True)


@pytest.mark.parametrize("window", [1, 3, 1_000])
def test_how_far_one_looks_among_the_newest_decides_nothing(monkeypatch, window):
    monkeypatch.setattr(windows, "WINDOW", window)
    wanted = factories.CustomerFactory(name="Ottilie Voss")
    for n in range(5):
        factories.CustomerFactory(name=f"Somebody {n}")
    assert [hit.customer for hit in finding.closest(Customer.objects.all(), "ottilie").hits] == [wanted.pk]


# --- slips of the keys


@pytest.mark.parametrize(
    "words",
    [
        "Petersen", "Pedresen", "Pederson", "Pedrsen", "Peddersen", "Oedersen", "Ase Petersen", "Pedersne Åse",
        "edersenn", "Ped3ersen Pedersne",
    ],
)  # fmt: skip
def test_a_name_is_found_with_a_slip_in_it(pedersen, others, words):
    expected = ["Åse Pedersen"] if "3" not in words else []
    assert found(words) == expected


def test_the_row_says_which_word_was_taken_for_which(pedersen):
    assert why("Petersen") == "Typo: Petersen ~ Pedersen"
    assert why("Ase Pedresen") == "Typo: Pedresen ~ Pedersen"


def test_swapped_letters_in_a_short_name_are_a_slip_too():
    factories.CustomerFactory(name="John Bell")
    assert found("jhon") == ["John Bell"]
    assert found("jonh bell") == ["John Bell"]


def test_a_word_of_three_letters_means_what_it_says():
    factories.CustomerFactory(name="Ann Bell")
    assert found("ane") == []


def test_a_handle_that_begins_with_a_slip_does_not_hide_whom_it_may_mean(pedersen):
    noud = factories.CustomerFactory(name="Noud P")
    factories.IdentityFactory(handle="petersennoud", customer=noud)
    assert found("petersen") == ["Noud P", "Åse Pedersen"]


def test_nobody_is_guessed_at_while_somebody_is_called_so(pedersen):
    factories.CustomerFactory(name="Jo Petersen")
    assert found("petersen") == ["Jo Petersen"]


def test_two_slips_stand_behind_one():
    factories.CustomerFactory(name="Christansson")
    factories.CustomerFactory(name="Kristiansson")
    factories.CustomerFactory(name="Christiansen")
    assert found("christiansson")[0] == "Christansson"


# --- letters


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Jürgen Müller", "muller"), ("Jürgen Müller", "MÜLLER"), ("Jurgen Muller", "müller"),
        ("Søren Ærø", "soren aero"),
        ("Łukasz Żur", "lukasz zur"), ("Işıl Yıldız", "isil yildiz"), ("Siân O’Neill", "sian oneill"),
        ("Sian O'Neill", "o'neill"), ("Jean-Pierre Léger", "jean pierre leger"), ("ﬁona Weiß", "fiona weiss"),
        ("Ｆｕｌｌ Ｗｉｄｔｈ", "full width"), ("أحمد حسن", "احمد"), ("أحمد حسن", "أحمد حسن"), ("שרה כהן", "כהן"),
        ("Γιώργος Παππάς", "γιωργος παππας"), ("Евгений Королёв", "королев"), ("राहुल शर्मा", "शर्मा"),
        ("🦄 Una 🦄", "una"),
    ],
)  # fmt: skip
def test_letters_are_found_without_their_accents_in_any_script(others, name, words):
    factories.CustomerFactory(name=name)
    assert found(words) == [name]


@pytest.mark.parametrize(
    "words",
    [
        "", " ", "%", "_", "\\", "%%%", "__", "q%", "%_%", "'", "''; DROP TABLE crm_customer; --", "🦄", "🦄🦄🦄",
        "\x00", "\ud800", "\u202e", "\u200f\u200f", "ـ", "@", "@@", "#", "+", "()", ":*", "& | !", "a & b",
        "<->", "x" * 5_000,
        "ab " * 500, "é" * 300, "\u0301" * 300, "ﷺ" * 300, "²³", "٣٤٥", "0" * 200, "1 " * 100, "\n\t",
    ],
)  # fmt: skip
def test_whatever_is_typed_is_only_looked_for(pedersen, others, words):
    assert found(words) == []
    assert Customer.objects.count() == 5


@pytest.mark.parametrize("words", ["a", "å", "p", "as", "王", "k"])
def test_one_letter_finds_what_begins_with_it(pedersen, others, words):
    assert ("王小明" if words == "王" else "Åse Pedersen") in found(words)


def test_no_more_than_some_letters_are_looked_at():
    assert len(read("x" * 5_000).text) == LONGEST


def test_a_name_as_long_as_a_name_can_be_is_kept_and_found():
    name = "ﷺ" * 200
    factories.CustomerFactory(name=name, given_name="𐐀" * 120, family_name="𐐁" * 120, nickname="𐐂" * 120)
    assert found("ﷺﷺﷺ") == [name]


def test_a_message_as_long_as_a_book_is_kept_and_found_by_its_beginning(channel):
    identity = factories.IdentityFactory(customer=factories.CustomerFactory(name="Leo"))
    text = "ouverture " + " ".join(f"word{n}" for n in range(200_000))
    factories.MessageFactory(identity=identity, thread__channel=channel, text=text)
    assert found("ouverture word1") == ["Leo"]


# --- who is never found


def test_a_merged_record_is_not_found_and_its_name_leads_to_the_survivor(pedersen):
    between = factories.CustomerFactory(name="Aase P", merged_into=pedersen)
    factories.CustomerFactory(name="Aasa Holt", merged_into=between)
    assert found("aasa holt") == ["Åse Pedersen"]
    assert why("aasa holt") == "Merged with Aasa Holt"
    assert found("aase") == ["Åse Pedersen"]
    assert Customer.objects.found("aasa").get() == pedersen


def test_an_erased_record_is_not_found_nor_is_what_was_merged_into_it(pedersen):
    factories.CustomerFactory(name="Aasa Holt", merged_into=pedersen)
    Customer.objects.filter(pk=pedersen.pk).update(erased_at=timezone.now())
    for words in ("pedersen", "asep", "40123456", "aasa", "petersen"):
        assert found(words) == []


def test_a_filter_holds_for_every_way(pedersen, others, channel):
    factories.MessageFactory(identity=Identity.objects.get(value="asep"), thread__channel=channel, text="my cello")
    factories.CustomerFactory(name="Aasa Holt", merged_into=pedersen)
    key, known = Customer.objects.filter(tier="key"), Customer.objects.filter(known_at__isnull=False)
    for words in ("pedersen", "asep", "post.example", "40123456", "K-00042", "petersen", "cello", "aasa"):
        assert found(words, key) == []
        assert found(words, known) == ["Åse Pedersen"]


def test_who_may_know_no_customers_finds_none(pedersen):
    assert found("pedersen", Customer.objects.visible_to(factories.UserFactory(role="support"))) == []


# --- kept true


def test_names_put_in_by_the_thousand_are_found_with_and_without_a_slip():
    Customer.objects.bulk_create([Customer(name=f"Bulky Rasmussen {n}") for n in range(3)])
    columns = "name given_name family_name nickname tier language country city time_zone about created_at"
    copying.write(Customer, columns, [("Copied Thorvaldsen", *[""] * 3, "standard", *[""] * 5, timezone.now())])
    assert len(found("rasmussen")) == len(found("rasmusen")) == 3
    assert found("thorvaldsen") == found("torvaldsen") == ["Copied Thorvaldsen"]


def test_a_changed_name_is_found_and_the_old_one_is_not(pedersen):
    pedersen.name = pedersen.family_name = "Kjeldsen"
    pedersen.save()
    assert found("kjeldsen") == found("kjelsden") == ["Kjeldsen"]
    assert found("pedersen") == ["Kjeldsen"]  # by the e-mail, which is still the same
    assert not NameWord.objects.filter(word="pedersen").exists()
    Customer.objects.filter(pk=pedersen.pk).update(name="Åse Vinther", family_name=F("name"))
    assert found("vinter") == ["Åse Vinther"]


def test_a_word_goes_with_the_last_who_is_called_by_it(pedersen):
    namesake = factories.CustomerFactory(name="Ola Pedersen")
    words = NameWord.objects.filter(word="pedersen")
    Customer.objects.filter(pk=pedersen.pk).update(name="Erased", given_name="", family_name="", nickname="")
    assert words.exists()
    namesake.delete()
    assert not words.exists()
    assert not NameWord.objects.filter(word="sunny").exists()


def test_the_words_of_an_erased_customer_are_gone_whatever_their_record_says(pedersen):
    Customer.objects.filter(pk=pedersen.pk).update(erased_at=timezone.now())
    assert not NameWord.objects.filter(word="pedersen").exists()


def test_what_is_no_word_is_not_kept_as_one():
    factories.CustomerFactory(name="x84 Bo anna_84 Зоя")
    assert set(NameWord.objects.values_list("word", flat=True)) == {"anna", "зоя"}


# --- what it costs


def test_a_search_costs_the_same_number_of_queries_for_1_and_for_20_found():
    counts = []
    for n in (1, 19):
        for _ in range(n):
            factories.IdentityFactory(customer=factories.CustomerFactory(name="Somebody"))
        with CaptureQueriesContext(connection) as queries:
            found("some", most=50)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "words",
    ["ase pedersen", "as", "petersen", "asep", "post.exam", "+47 401 23 456", "K-00042", "cello", "%", "a", "王"],
)
def test_no_search_reads_a_whole_table_that_grows(pedersen, others, channel, words):
    factories.MessageFactory(identity=Identity.objects.get(value="asep"), thread__channel=channel, text="my cello")
    asked = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        finding.closest(Customer.objects.filter(tier="standard"), words)
    looked = [(sql, params) for sql, params in asked if "FROM" in sql and "set_config" not in sql]
    assert looked
    for sql, params in looked:
        with windows.bounded(), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", params)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan" not in plan, sql


def test_a_search_leaves_the_connection_as_it_was(pedersen):
    found("petersen")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_seqscan'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("on", "0")


def test_what_would_take_too_long_is_given_up(pedersen, monkeypatch):
    monkeypatch.setattr(windows, "TIMEOUT_MS", 50)
    monkeypatch.setattr(finding.closest.__globals__["names"], "by_name", None)

    def slow(search):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return []

    monkeypatch.setitem(finding.closest.__globals__, "WAYS", [slow])
    answer = finding.closest(Customer.objects.all(), "pedersen")
    assert (answer.hits, answer.gave_up) == ((), True)
    monkeypatch.undo()
    assert found("pedersen") == ["Åse Pedersen"]


# --- for lists and queries


def test_found_is_a_queryset_like_any_other(pedersen, others):
    assert list(Customer.objects.filter(known_at__isnull=False).found("pedersen").order_by("name")) == [pedersen]
    assert not Customer.objects.filter(known_at=None).found("pedersen").exists()


@pytest.mark.parametrize("words", ["pedersen", "ASE", "asep", "post.exam", "as", "åse pedersen"])
def test_called_is_for_a_query_within_a_query(pedersen, others, words):
    assert list(Customer.objects.called(words)) == [pedersen]
    assert not Customer.objects.called("%").exists()


def test_pages_follow_each_other_without_gap_or_repetition():
    Customer.objects.bulk_create([Customer(name=f"Ann {n}") for n in range(7)])
    answer, after, pages = finding.closest(Customer.objects.all(), "ann"), "", []
    while hits := finding.on_page(answer, after, 3)[0]:
        pages.append(len(hits))
        after = finding.on_page(answer, after, 3)[1]
        if not after:
            break
    assert pages == [3, 3, 1]


@pytest.mark.parametrize("after", ["x", "1", "~", "a~b", "²~²", "-1~2", "9" * 40 + "~1", "0~0"])
def test_a_place_somebody_typed_does_no_harm(pedersen, after):
    hits, _ = finding.on_page(finding.closest(Customer.objects.all(), "pedersen"), after, 3)
    assert len(hits) <= 1
