"""`manage.py bench`: how fast the live and the headless cluster are, beside the previous run.

Measures only; sets no limits. Figures of two runs compare only on the same quiet machine.
"""
