"""Texts: tweets, reviews, questions, paragraphs; one text in each row."""
