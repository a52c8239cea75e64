#!/usr/bin/env python3
"""Makes trucks.ndjson: 733 invented food trucks of San Francisco, one JSON document a line.

    generate.py           writes the file
    generate.py --check   exits 1 when the file is not what this script makes

The numbers come from a small generator of our own, so every Python makes the same bytes.
"""

import json
import pathlib
import sys

COUNT = 733
TARGET = pathlib.Path(__file__).with_name("trucks.ndjson")

FIRST = (
    "Amber Anchor Bayside Blue Brass Cable Coastal Copper Corner Curbside Dogpatch Driftwood Evening Fogline Four Golden Green "
    "Harbor Hilltop Iron Kite Lantern Little Lucky Marigold Midnight Mission Moonlit North Ocean Old Paper Pepper Pier Plaza Red "
    "Rolling Salt Seaside Silver Smoky South Sunny Sunset Tin Twin Union Velvet Wandering Wild"
).split()

# What a truck serves decides what it is called.
KITCHENS = {
    ("Taqueria", "Taco Wagon", "Burrito Bus", "Cantina"): (
        "tacos", "fish tacos", "burritos", "quesadillas", "tortas", "tamales", "elote", "horchata", "chips and salsa"),
    ("Grill", "Burger Stand", "Smokehouse", "Diner"): (
        "burgers", "hot dogs", "pulled pork", "brisket", "fries", "onion rings", "grilled cheese", "milkshakes"),
    ("Noodles", "Dumpling Cart", "Wok", "Bao House"): (
        "dumplings", "pork buns", "noodle soup", "fried rice", "spring rolls", "chow mein", "bubble tea"),
    ("Curry", "Tandoor", "Masala", "Chaat Corner"): (
        "chicken tikka", "samosas", "naan", "chana masala", "biryani", "kathi rolls", "mango lassi"),
    ("Falafel", "Kebab", "Pita Stop", "Shawarma"): (
        "falafel", "lamb shawarma", "gyros", "hummus", "pita", "kebabs", "tabbouleh", "mint tea"),
    ("Coffee", "Bakery", "Espresso", "Donuts"): (
        "espresso", "cold brew", "croissants", "muffins", "donuts", "bagels", "waffles"),
    ("Ice Cream", "Creamery", "Gelato", "Sweets"): (
        "ice cream", "gelato", "sorbet", "crepes", "cupcakes", "churros", "fresh fruit"),
    ("Lobster Shack", "Poke", "Crab Cart", "Sushi"): (
        "lobster rolls", "clam chowder", "crab cakes", "poke bowls", "sushi burritos", "fish and chips"),
    ("Pizza", "Pasta", "Trattoria", "Panini"): (
        "wood-fired pizza", "meatball subs", "panini", "pasta", "garlic knots", "caesar salad", "tiramisu"),
    ("Greens", "Garden", "Juice", "Bowls"): (
        "grain bowls", "kale salad", "smoothies", "fresh juice", "veggie wraps", "avocado toast", "soup"),
}

# Street, and two ends of a stretch of it: (latitude, longitude) each.
STREETS = (
    ("Market St", (37.7937, -122.3965), (37.7702, -122.4262)),
    ("Mission St", (37.7924, -122.3946), (37.7215, -122.4372)),
    ("Valencia St", (37.7720, -122.4227), (37.7453, -122.4204)),
    ("Folsom St", (37.7897, -122.3918), (37.7484, -122.4139)),
    ("Harrison St", (37.7868, -122.3926), (37.7484, -122.4117)),
    ("Howard St", (37.7907, -122.3933), (37.7714, -122.4176)),
    ("Geary Blvd", (37.7847, -122.4245), (37.7797, -122.5050)),
    ("Irving St", (37.7640, -122.4640), (37.7627, -122.4950)),
    ("Third St", (37.7790, -122.3920), (37.7290, -122.3925)),
    ("Bayshore Blvd", (37.7480, -122.4050), (37.7130, -122.4020)),
    ("Columbus Ave", (37.7954, -122.4030), (37.8060, -122.4200)),
    ("Polk St", (37.7785, -122.4184), (37.8050, -122.4236)),
    ("Divisadero St", (37.7700, -122.4370), (37.7990, -122.4428)),
    ("Cesar Chavez St", (37.7500, -122.3900), (37.7482, -122.4200)),
    ("Ocean Ave", (37.7235, -122.4400), (37.7315, -122.4730)),
    ("Taraval St", (37.7430, -122.4660), (37.7420, -122.4950)),
)

DAYS = ("Mo-Fr", "Mo-Sa", "Mo/We/Fr", "Tu/Th", "Tu-Su", "Sa/Su", "We-Su", "Mo-Su")
HOURS = ("6AM-11AM", "7AM-3PM", "10AM-2PM", "11AM-3PM", "11AM-8PM", "4PM-10PM", "5PM-12AM", "9AM-6PM")


class Dice:
    """A linear congruential generator (Knuth's MMIX constants), high bits only."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit

    def choice(self, options):
        return options[self.below(len(options))]

    def some(self, options, count):
        rest = list(options)
        return [rest.pop(self.below(len(rest))) for _ in range(count)]


def truck(dice):
    names, menu = dice.choice(tuple(KITCHENS.items()))
    street, start, end = dice.choice(STREETS)
    along = dice.below(1000)
    latitude, longitude = (a + (b - a) * along / 1000 for a, b in zip(start, end))
    return {
        "applicant": f"{dice.choice(FIRST)} {dice.choice(names)}",
        "fooditems": ", ".join(dice.some(menu, 2 + dice.below(4))),
        "address": f"{100 + 3 * along} {street}",
        "location": {"lat": round(latitude, 6), "lon": round(longitude, 6)},
        "dayshours": f"{dice.choice(DAYS)}: {dice.choice(HOURS)}",
    }


def documents():
    dice = Dice(733)
    return "".join(json.dumps(truck(dice)) + "\n" for _ in range(COUNT))


def main():
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text(encoding="utf-8") != documents():
            sys.exit(f"{TARGET} is not what generate.py makes; run it and commit the result")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        TARGET.write_text(documents(), encoding="utf-8")


if __name__ == "__main__":
    main()
