"""What a person sees of the node's things, as bodies of the API.

In: what is stored, and who looks. Out: bodies; nothing that is still to be kept from the person.
"""
