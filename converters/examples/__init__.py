"""Published figures, and the questionnaire workbooks made from them."""
