import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from executions import cnj

ANO_MAXIMO = 2027
EXTRA = frozenset({"8.99"})
NUMERO = "8000131-26.2026.8.99.0152"
OUTRO = "0023456-26.2013.8.99.0152"


def encontrar(texto: str) -> cnj.Achados:
    return cnj.encontrar(texto, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)


def numeros(texto: str) -> list[str]:
    return [achado.numero for achado in encontrar(texto).validos]


@st.composite
def campos_validos(draw: st.DrawFn) -> tuple[int, int, int, int, int, int]:
    codigo = draw(st.sampled_from(sorted(cnj.TRIBUNAIS) + ["8.99"]))
    sequencial = draw(st.integers(0, 9_999_999))
    ano = draw(st.integers(1901, ANO_MAXIMO))
    j, tr = int(codigo[0]), int(codigo[2:])
    oooo = draw(st.integers(0, 9999))
    return sequencial, cnj.digito_verificador(sequencial, ano, j, tr, oooo), ano, j, tr, oooo


def vinte_digitos(campos: tuple[int, int, int, int, int, int]) -> str:
    sequencial, dd, ano, j, tr, oooo = campos
    return f"{sequencial:07}{dd:02}{ano:04}{j}{tr:02}{oooo:04}"


separadores = st.lists(st.sampled_from(["", "-", ".", "_", " ", " - ", "\u00a0", "–"]), min_size=5, max_size=5)


@given(campos_validos())
def test_the_issued_number_satisfies_the_mod_97_test_of_the_resolution(campos):
    d = vinte_digitos(campos)
    assert int(d[:7] + d[9:13] + d[13] + d[14:16] + d[16:] + d[7:9]) % 97 == 1
    assert cnj.valido(d, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)
    assert cnj.valido(cnj.formatar(d), ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)


@given(campos_validos(), separadores, st.integers(0, 6), st.sampled_from(["", "Petição ", "x_", "("]))
def test_any_separators_and_lost_zeros_lead_back_to_the_number(campos, seps, zeros, antes):
    d = vinte_digitos(campos)
    sequencial = d[:7]
    while zeros and sequencial.startswith("0") and len(sequencial) > 1:
        sequencial, zeros = sequencial[1:], zeros - 1
    partes = [sequencial, d[7:9], d[9:13], d[13], d[14:16], d[16:]]
    escrito = "".join(parte + sep for parte, sep in zip(partes, [*seps, ""], strict=True))

    (achado,) = encontrar(f"{antes}{escrito} Certidão.pdf").validos

    assert achado.numero == cnj.formatar(d)
    assert (achado.inicio, achado.fim) == (len(antes), len(antes) + len(escrito))
    assert achado.avisos == (() if len(sequencial) == 7 else ("zeros à esquerda restaurados",))
    assert cnj.padrao_de(achado.numero).fullmatch(escrito)


@given(campos_validos(), st.integers(0, 19), st.integers(1, 9))
def test_one_wrong_digit_is_never_valid(campos, posicao, soma):
    d = vinte_digitos(campos)
    errado = d[:posicao] + str((int(d[posicao]) + soma) % 10) + d[posicao + 1 :]
    assert not cnj.valido(errado, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)
    assert numeros(errado) == numeros(cnj.formatar(errado)) == []


@given(campos_validos(), st.integers(0, 18))
def test_two_swapped_digits_are_never_valid(campos, posicao):
    d = vinte_digitos(campos)
    assume(d[posicao] != d[posicao + 1])
    trocado = d[:posicao] + d[posicao + 1] + d[posicao] + d[posicao + 2 :]
    assert not cnj.valido(trocado, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)


@given(campos_validos(), st.integers(0, 98))
def test_only_the_issued_pair_of_check_digits_is_valid(campos, dd):
    d = vinte_digitos(campos)
    outro = f"{d[:7]}{dd:02}{d[9:]}"
    assert cnj.valido(outro, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA) == (outro == d)


@given(st.text(alphabet="0123456789-._ aé", max_size=80))
def test_candidates_never_share_a_character(texto):
    achados = encontrar(texto)
    fatias = sorted((a.inicio, a.fim) for a in [*achados.validos, *achados.invalidos])
    assert all(antes[1] <= depois[0] for antes, depois in zip(fatias, fatias[1:], strict=False))


@pytest.mark.parametrize(
    ("texto", "esperado"),
    [
        ("8000131.26.2026.8.99.0152_4321_87654_Manifestação.pdf", [NUMERO]),
        ("8000131_26_2026_8_99_0152_4321_87654_x.pdf", [NUMERO]),
        ("23456.26.2013.8.99.0152 Certidão.pdf", [OUTRO]),
        ("80001312620268990152", [NUMERO]),
        ("2345626201389901 52", []),
        ("id_400000123_doc._00_8000298_55_2026_8_99_0051_15550_56700_c.pdf", ["8000298-55.2026.8.99.0051"]),
        ("12 8000131-26.2026.8.99.0152", [NUMERO]),
        ("5_23456.26.2013.8.99.0152", [OUTRO]),
        (f"{NUMERO} e {OUTRO}", [NUMERO, OUTRO]),
        (f"{OUTRO} e {NUMERO}", [OUTRO, NUMERO]),
        (f"{NUMERO} de novo 8000131_26_2026_8_99_0152", [NUMERO]),
        (f"{OUTRO}, ou 23456.26.2013.8.99.0152", [OUTRO]),
        ("", []),
        ("Manifestação 26/02/2026.pdf", []),
        ("20170313185559", []),
        ("12.345.678/0001-90", []),
    ],
)
def test_numbers_are_found_in_real_forms(texto, esperado):
    assert numeros(texto) == esperado


@pytest.mark.parametrize(
    "texto",
    ["180001312620268990152", "800013126202689901521", f"9{NUMERO}", f"{NUMERO}9", "8000131.26.2026.8.99.01524321"],
)
def test_a_number_inside_a_longer_run_of_digits_is_not_a_number(texto):
    assert encontrar(texto) == cnj.Achados()


def test_the_slice_ends_at_the_court_number_and_leaves_the_underscores():
    texto = "8000131_26_2026_8_99_0152_4321_87654_x.pdf"
    (achado,) = encontrar(texto).validos
    assert texto[achado.fim :] == "_4321_87654_x.pdf"


def test_a_wrong_check_digit_comes_with_the_right_one():
    achados = encontrar("8000131.27.2026.8.99.0152 e de novo 8000131-27.2026.8.99.0152")
    assert achados.validos == ()
    assert achados.invalidos == (cnj.Invalido("8000131-27.2026.8.99.0152", 0, 25, "26"),)


def test_a_check_digit_below_ten_is_expected_with_its_zero():
    dd = next(n for n in range(1000) if cnj.digito_verificador(n, 2026, 8, 9, 51) == 7)
    (invalido,) = encontrar(f"{dd:07}-99.2026.8.09.0051").invalidos
    assert invalido.esperado == "07"


@pytest.mark.parametrize("ano", [1900, 2028, 0])
def test_a_year_out_of_bounds_is_no_candidate_at_all(ano):
    dd = cnj.digito_verificador(1, ano, 8, 9, 51)
    numero = f"0000001-{dd:02}.{ano:04}.8.09.0051"
    assert encontrar(numero) == cnj.Achados()
    assert not cnj.valido(numero, ano_maximo=ANO_MAXIMO)


@pytest.mark.parametrize("ano", [1901, 2027])
def test_the_first_and_the_last_year_are_accepted(ano):
    dd = cnj.digito_verificador(1, ano, 8, 9, 51)
    assert cnj.valido(f"0000001-{dd:02}.{ano:04}.8.09.0051", ano_maximo=ANO_MAXIMO)


@pytest.mark.parametrize("codigo", ["8.28", "8.00", "0.00", "1.01", "4.07", "5.25", "6.28", "7.13", "9.01", "8.98"])
def test_a_court_that_does_not_exist_is_no_candidate(codigo):
    j, tr = int(codigo[0]), int(codigo[2:])
    numero = f"0000001-{cnj.digito_verificador(1, 2026, j, tr, 1):02}.2026.{codigo}.0001"
    assert encontrar(numero) == cnj.Achados()
    assert not cnj.valido(numero, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)


def test_the_fictitious_court_counts_only_where_it_is_configured():
    assert cnj.valido(NUMERO, ano_maximo=ANO_MAXIMO, tribunais_extra={"8.99"})
    assert not cnj.valido(NUMERO, ano_maximo=ANO_MAXIMO)
    assert cnj.encontrar(NUMERO, ano_maximo=ANO_MAXIMO) == cnj.Achados()


@pytest.mark.parametrize("escrito", ["8000131.26.2026.8.99.0152", f" {NUMERO}", "131-26.2026.8.99.0152", "", "x" * 20])
def test_valido_wants_the_complete_number_and_nothing_else(escrito):
    assert not cnj.valido(escrito, ano_maximo=ANO_MAXIMO, tribunais_extra=EXTRA)


@pytest.mark.parametrize("digitos", ["", "1" * 19, "1" * 21, "١" * 20, NUMERO])
def test_formatar_refuses_what_is_not_twenty_digits(digitos):
    with pytest.raises(ValueError, match="20 digits"):
        cnj.formatar(digitos)


@pytest.mark.parametrize(
    ("codigo", "nome"),
    [
        ("1.00", "STF"),
        ("2.00", "CNJ"),
        ("3.00", "STJ"),
        ("4.06", "TRF6"),
        ("5.00", "TST"),
        ("5.24", "TRT24"),
        ("6.26", "TRE-SP"),
        ("7.00", "STM"),
        ("8.01", "TJAC"),
        ("8.07", "TJDFT"),
        ("8.09", "TJGO"),
        ("8.13", "TJMG"),
        ("8.19", "TJRJ"),
        ("8.26", "TJSP"),
        ("8.27", "TJTO"),
        ("9.13", "TJMMG"),
        ("8.99", "8.99"),
    ],
)
def test_courts_have_names_and_an_unknown_one_keeps_its_code(codigo, nome):
    assert cnj.nome_tribunal(codigo) == nome


def test_tribunal_reads_the_court_of_a_number_with_or_without_punctuation():
    assert cnj.tribunal(NUMERO) == cnj.tribunal("80001312620268990152") == "8.99"


def test_padrao_de_does_not_match_another_sequence_that_ends_alike():
    assert cnj.padrao_de(OUTRO).search("1023456-26.2013.8.99.0152") is None


@given(
    st.lists(
        st.sampled_from(["0", "12", " ", "_", ".", "x", OUTRO, "23456.26.2013.8.99.0152", "00023456262013899.0152"])
    )
)
def test_partir_cuts_where_the_number_is_written_and_nowhere_else(partes):
    texto = "".join(partes)
    assert cnj.partir(texto, OUTRO) == cnj.padrao_de(OUTRO).split(texto)
