"""From what happened to leaves. Pure: everything goes into a draft."""
