"""The browser's types come from the messages of the API, never from memory."""

from reading_ui.make_types import TARGET, typescript


def test_the_browsers_types_are_those_of_the_messages():
    assert TARGET.read_text(encoding="utf-8") == typescript(), "Run `python reading_ui/make_types.py`."


def test_a_nullable_field_and_a_list_keep_their_shape():
    text = typescript()
    assert "  age_years: number | null;" in text
    assert "  items: ReadingRow[];" in text
    assert "  counts: Record<string, number>;" in text
