import errno

from areoseg.errors import did_you_mean, one_line


def test_the_nearest_name_is_offered_or_else_what_there_is():
    known = ["terrain", "keras"]
    assert did_you_mean("terrian", known) == "did you mean 'terrain'?"
    assert did_you_mean("xyz", known) == "choose from terrain, keras"
    assert did_you_mean("xyz", known, otherwise="see the list") == "see the list"


def test_a_foreign_error_becomes_one_line_without_its_path():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(KeyError()) == "KeyError"
    assert one_line(FileNotFoundError(errno.ENOENT, "No such file", "/a/b")) == "No such file"
