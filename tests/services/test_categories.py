"""Categories by path, code and synonyms; tables of them in and out."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, InvalidInputError
from core.services import categories
from core.services.categories import TableReport
from db.engine import transaction
from db.queries.categories import ensure_paths

MUG, BOWL, FRUIT_BOWL = "Home > Kitchen > Mug", "Home > Kitchen > Bowl", "Home > Décor > Bowl"
TABLE = f"""code,name,synonyms
K-100,{MUG},cup,Kaffeebecher,Tasse
K-101,{BOWL},dish
D-7,{FRUIT_BOWL},Äpfelschale,Straußenei
"""


@pytest.fixture
def take(any_engine: sa.Engine, actor: Actor):
    def take(text: str, by: Actor = actor) -> TableReport:
        return categories.import_table(any_engine, actor=by, data=text.encode())

    return take


@pytest.fixture
def find(any_engine: sa.Engine, actor: Actor):
    def find(text: str, first: tuple[int, ...] = ()) -> list[str]:
        found = categories.search(any_engine, actor=actor, text=text, first=first)
        return [each.path for each in found]

    return find


def test_categories_are_found_by_any_words_in_any_order(any_engine, find):
    with transaction(any_engine) as session:
        ensure_paths(session, [MUG, BOWL])
    assert find("mug home") == [MUG]
    assert find("KITCH") == ["Home > Kitchen", BOWL, MUG]
    assert find("%") == []


@pytest.mark.parametrize(
    "text",
    ["k-100", "kaffee", "CUP kitchen", "becher home", "Tasse", "mug k-10"],
)
def test_codes_and_synonyms_are_words_like_any_other(take, find, text):
    take(TABLE)
    assert find(text) == [MUG]


@pytest.mark.parametrize("text", ["äpfel", "APFELSCHALE", "decor bowl", "STRAUSS", "strauß"])
def test_case_and_accents_do_not_count_in_any_language(take, find, text):
    take(TABLE)
    assert find(text) == [FRUIT_BOWL]


def test_what_is_called_just_so_comes_first_then_what_is_asked_to(any_engine, take, find):
    take(TABLE + "X-1,Tools > Dish rack\nX-2,Garden > Dish\n")
    assert find("dish") == ["Garden > Dish", BOWL, "Tools > Dish rack"]
    with transaction(any_engine) as session:
        rack = ensure_paths(session, ["Tools > Dish rack"])["Tools > Dish rack"]
    assert find("dish", first=(rack,)) == find("dish")
    assert find("dis") == ["Garden > Dish", "Tools > Dish rack", BOWL]
    assert find("dis", first=(rack,)) == ["Tools > Dish rack", "Garden > Dish", BOWL]


def test_a_table_makes_what_is_missing_and_says_what_it_did(any_engine, take):
    with transaction(any_engine) as session:
        ensure_paths(session, [MUG])
    assert take(TABLE) == TableReport(categories=3, made=(BOWL, FRUIT_BOWL), codes=3, synonyms=6)


def test_what_a_table_says_holds_in_place_of_what_was_known(take, find):
    take(TABLE)
    take(f"code,name,synonyms\nK-200,{MUG},beaker\n")
    assert find("cup") == []
    assert find("k-100") == []
    assert find("beaker k-200") == [MUG]
    assert find("dish") == [BOWL]


def test_a_column_that_a_table_lacks_changes_nothing(take, find):
    take(TABLE)
    take(f"name,synonyms\n{MUG},beaker\n")
    assert find("k-100 beaker") == [MUG]
    take(f"name,code\n{MUG},\n")
    assert find("k-100") == []
    assert find("beaker") == [MUG]


def test_two_categories_may_exchange_their_codes(take, find):
    take(TABLE)
    take(f"code,name\nK-101,{MUG}\nK-100,{BOWL}\n")
    assert (find("K-100"), find("K-101")) == ([BOWL], [MUG])


def test_a_last_name_that_only_one_category_has_means_that_one(take, find):
    take(TABLE)
    assert take("code,name\nK-999,Mug\n").made == ()
    assert find("k-999") == [MUG]
    with pytest.raises(InvalidInputError, match="2 categories are called 'Bowl'"):
        take("code,name\nB,Bowl\n")


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ("code,name\nA,Mug\nA,Lamp\n", InvalidInputError, "2 rows have the code 'A'"),
        ("name\nTea>Cup\nTea > Cup\n", InvalidInputError, "rows 2 and 3 both name 'Tea > Cup'"),
        ("name,code\nLamp,K-100\n", ConflictError, f"'K-100' is that of '{MUG}'"),
        (f"name,code\nLamp,{'x' * 101}\n", InvalidInputError, "row 2: the code .* 101 char"),
        (f"name\n{'x' * 201}\n", InvalidInputError, "row 2: the name .* at most 200"),
        (f"name\n{'x' * 201} > Lamp\n", InvalidInputError, "row 2: the name .* at most 200"),
        (f"name\n{'x>' * 300}Lamp\n", InvalidInputError, "row 2: the path .* at most 1000"),
        (f"name,synonym\nLamp,{'x' * 201}\n", InvalidInputError, "row 2: the synonym"),
        ("name\n > \n", InvalidInputError, "row 2: '>' names no category"),
    ],
)
def test_a_table_that_cannot_be_is_refused_whole(take, find, text, error, problem):
    take(TABLE)
    with pytest.raises(error, match=problem):
        take(text)
    assert find("lamp") == []
    assert find("k-100 cup") == [MUG]


def test_what_is_exported_can_be_imported_again(any_engine, actor, take):
    take(TABLE + '-5,"Home > =Sum",+1\n')
    table = categories.export_table(any_engine, actor=actor)
    assert "K-100,Home > Kitchen > Mug,cup,Kaffeebecher,Tasse" in table.decode()
    assert "'-5,Home > =Sum,'+1" in table.decode()
    assert take(table.decode()).made == ()
    assert categories.export_table(any_engine, actor=actor) == table


def test_staff_may_neither_search_nor_name_categories(any_engine, take):
    staff = Actor(9, "sam", "staff")
    with pytest.raises(ForbiddenError):
        take(TABLE, by=staff)
    with pytest.raises(ForbiddenError):
        categories.search(any_engine, actor=staff, text="")
