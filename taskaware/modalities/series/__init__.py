"""Series: numbers in time, of one channel or several, of equal lengths or not."""
