"""firewalld's own engine, called as its daemon calls it at its start, without the daemon's D-Bus.

Without an argument it tells the version; with a folder of settings it loads them into this process's network.
"""

import sys

from firewall import config


def main():
    if len(sys.argv) == 1:
        print(config.VERSION)
        return
    config.set_system_config_paths(sys.argv[1])
    from firewall.core.fw import Firewall
    from firewall.core.logger import log

    log.setInfoLogLevel(log.WARNING)
    firewall = Firewall()
    firewall.start()
    if firewall.get_state() != "RUNNING":
        sys.exit(f"firewalld is {firewall.get_state()}")


main()
