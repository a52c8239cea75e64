"""FoodTrucks: a page, a search and an index list over Elasticsearch."""

import os
import signal
import sys
import time

from elasticsearch import Elasticsearch, NotFoundError
from flask import Flask, jsonify, render_template, request

INDEX = "sfdata"
RETRIES = 3
SHOWN = 50

es = Elasticsearch([{"host": os.environ.get("ES_HOST", "es"), "port": 9200, "scheme": "http"}])
app = Flask(__name__)


def search(words):
    """The best matches, and how many there are; None when nothing has been loaded yet."""
    query = {"multi_match": {"query": words, "fields": ["fooditems^2", "applicant", "address"], "fuzziness": "AUTO"}}
    try:
        found = es.search(index=INDEX, query=query if words else {"match_all": {}}, size=SHOWN)
    except NotFoundError:
        return None
    total = found["hits"]["total"]
    return {
        "query": words,
        # A number up to Elasticsearch 6, an object after it.
        "total": total["value"] if isinstance(total, dict) else total,
        "trucks": [hit["_source"] for hit in found["hits"]["hits"]],
    }


@app.route("/")
def page():
    words = request.args.get("q", "").strip()
    return render_template("index.html", query=words, found=search(words))


@app.route("/search")
def search_json():
    found = search(request.args.get("q", "").strip())
    if found is None:
        return jsonify(error=f"there is no index {INDEX} yet"), 503
    return jsonify(found)


@app.route("/debug")
def debug():
    return jsonify(es.cat.indices(format="json"))


def wait_for_elasticsearch():
    """Gives up soon, on purpose: this app counts on being started when Elasticsearch is ready."""
    for attempt in range(1, RETRIES + 1):
        if es.ping():
            return
        print(f"Elasticsearch does not answer (attempt {attempt} of {RETRIES})", flush=True)
        time.sleep(0.5)
    print("Out of retries. Bailing out...", flush=True)
    sys.exit(1)


if __name__ == "__main__":
    # The first process of a container ignores signals that it does not handle; `stop` would take ten seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    wait_for_elasticsearch()
    app.run(host="0.0.0.0", port=5000)
