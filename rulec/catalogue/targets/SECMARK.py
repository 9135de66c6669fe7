"""SECMARK: give the packet a security context of SELinux, which its policy then looks at.

The packet goes on with the next rule.  The kernel must have SELinux, and the
policy the context.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.text import text

EXTENSION = Extension(
    name="SECMARK",
    summary="give the packet a security context of SELinux",
    modules=("xt_SECMARK",),
    tables=("mangle", "security"),
    options=(Option("--selctx", text(limit=255, show=str), required=True),),
    valid=(
        Example("-j SECMARK --selctx system_u:object_r:httpd_packet_t:s0", table="security"),
        Example("-j SECMARK --selctx system_u:object_r:dns_packet_t:s0", table="mangle", chain="PREROUTING"),
    ),
    invalid=(
        Example("-j SECMARK", table="security"),
        Example("-j SECMARK --selctx a --selctx b", table="security"),
    ),
    refused=("-j SECMARK --selctx system_u:object_r:httpd_packet_t:s0",),
)
