import nbformat

from gtzan_lib.report import executed


def test_formulas_become_mathml_and_prose_stays():
    text = "Of $x_1$ and\n\n$$p_k = \\frac{1}{2}$$\n\nit costs 5 dollars."
    code = nbformat.v4.new_code_cell("price = '$5 or $6'")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text), code]
    )
    executed.draw_formulas(notebook)
    shown = notebook.cells[0].source
    assert "$" not in shown
    assert shown.count("<math") == 2
    assert 'display="block"' in shown
    assert "<mfrac>" in shown
    assert shown.endswith("it costs 5 dollars.")
    assert notebook.cells[1].source == code.source
