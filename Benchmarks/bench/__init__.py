"""The comparison of Gatehouse with nginx, HAProxy and h2o. Begin with ../run, then rows.py."""
