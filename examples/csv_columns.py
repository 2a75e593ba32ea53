"""Read a CSV file and summarise its columns."""
import csv
import sys


def read_rows(path):
    """Return the rows of a CSV file as a list of dictionaries."""
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        return [row for row in reader]


def column(rows, name):
    """Return the values of one column as floats."""
    values = []
    for row in rows:
        value = row.get(name)
