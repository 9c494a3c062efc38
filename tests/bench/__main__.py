"""All benchmarks, one after the other; each ends in lines `ratio NAME VALUE`."""

from tests.bench import counting, detection, pipeline, recovery

if __name__ == "__main__":
    recovery.measure()
    for name, value in (counting.measure() | detection.measure() | pipeline.measure()).items():
        print(f"ratio {name} {value:.2f}", flush=True)
